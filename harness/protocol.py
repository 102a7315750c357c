"""The messages between coordinator and worker: one JSON object a line.

The coordinator writes requests to the worker's standard input, the worker answers with events on
what was its standard output (its prints go to the log instead). A request is answered by any number
of `Progress` events and exactly one other event; `Failed` may take the place of any answer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harness.plugin import Neuron, Value
from harness.subjects import PluginLocation

Status = Literal["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]


class Message(BaseModel):
    """Unknown fields are an error: both ends are of one version or of none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(Message):
    """Plugin x task x seed x device x parameters: all that decides a trial's result."""

    plugin: PluginLocation
    label: str
    task: str
    preset: str
    overrides: dict[str, Value] = {}
    seed: int
    device: str
    threads: int = 1

    @property
    def key(self) -> str:
        """What tells this trial from every other of its run."""
        return f"{self.label} seed={self.seed}"


class LayerSize(Message):
    """One layer to be measured: `neurons` inputs and outputs, of whose inputs `density` are not 0."""

    neurons: int
    steps: int
    batch: int
    density: float


# --- requests -------------------------------------------------------------------------------------


class Describe(Message):
    """Answered by `Described`: the plugin's parameters and presets."""

    type: Literal["describe"] = "describe"
    plugin: PluginLocation


class Prepare(Message):
    """Answered by `Prepared`: the task's data, found or downloaded, verified, split and cached."""

    type: Literal["prepare"] = "prepare"
    task: str
    data: list[str]
    cache: str


class RunTrial(Message):
    """Answered by `Trained`: build, train, finish, evaluate, save the state."""

    type: Literal["trial"] = "trial"
    trial: Trial
    data: str
    state: str


class OpenTiming(Message):
    """Answered by `Opened`: builds the model, loads the trained state, evaluates it once more.

    `accuracy` is what the trained model reached on the test split; the loaded one must reach it too.
    """

    type: Literal["open"] = "open"
    trial: Trial
    data: str
    state: str
    accuracy: float | None = None


class OpenProbe(Message):
    """Answered by `Opened`: a known piece of work, timed like a plugin, to judge the machine by."""

    type: Literal["probe"] = "probe"
    device: str
    threads: int = 1


class TakeRound(Message):
    """Answered by `Samples`: calls `what` for about `seconds`, at least `calls` times, timing each.

    With `fresh`, the network is built and loaded anew first. `batch` replaces the batch of inference
    that the worker found.
    """

    type: Literal["round"] = "round"
    what: Literal["latency", "inference", "train"]
    seconds: float
    calls: int
    fresh: bool = False
    batch: int | None = None


class TakeValidity(Message):
    """Answered by `Measured`, or by `Failed` where the timed calls cannot have done the work.

    `answers_only` leaves out what is a property of the network, not of the process that timed it.
    """

    type: Literal["validity"] = "validity"
    answers_only: bool = False


class TakeMemory(Message):
    """Answered by `Measured`: peak memory, in a pass of its own."""

    type: Literal["memory"] = "memory"


class TakeEnergy(Message):
    """Answered by `Measured`: joules a sample over about `seconds` of inference, idle subtracted."""

    type: Literal["energy"] = "energy"
    seconds: float


class MeasurePeaks(Message):
    """Answered by `Measured`: the operations and the bytes a second that the device can do."""

    type: Literal["peaks"] = "peaks"
    device: str
    threads: int


class ProveLayer(Message):
    """Answered by `Proved`: whether the plugin's layer is `neuron`."""

    type: Literal["prove"] = "prove"
    plugin: PluginLocation
    neuron: Neuron
    device: str
    threads: int


class OpenLayer(Message):
    """Answered by `LayerOpened`: builds the layer, calls it once and checks what it answers.

    Skipped where memory will not do: as many other workers as `to_follow` will then hold a layer of
    this size beside it.
    """

    type: Literal["open-layer"] = "open-layer"
    plugin: PluginLocation
    neuron: Neuron
    size: LayerSize
    device: str
    threads: int
    to_follow: int = 0


class TakeLayerRound(Message):
    """Answered by `LayerSamples`: calls the layer for about `seconds`, at least `calls` times."""

    type: Literal["layer-round"] = "layer-round"
    seconds: float
    calls: int


Request = Annotated[
    Describe
    | Prepare
    | RunTrial
    | OpenTiming
    | OpenProbe
    | TakeRound
    | TakeValidity
    | TakeMemory
    | TakeEnergy
    | MeasurePeaks
    | ProveLayer
    | OpenLayer
    | TakeLayerRound,
    Field(discriminator="type"),
]

# --- events ---------------------------------------------------------------------------------------


class Progress(Message):
    """Where a trial stands. `done` and `total` count batches of this stage."""

    type: Literal["progress"] = "progress"
    stage: str
    done: int = 0
    total: int = 0
    epoch: int | None = None
    epochs: int | None = None
    scalars: dict[str, float] = {}


class Described(Message):
    """`parameters` as {name: {default, help, low, high, choices}}, `values[preset][task]`."""

    type: Literal["described"] = "described"
    parameters: dict[str, dict[str, Any]]
    values: dict[str, dict[str, dict[str, Value]]]


class Prepared(Message):
    """`path` of the cached arrays; `facts` (sizes, digests, source) go into the run's description."""

    type: Literal["prepared"] = "prepared"
    path: str
    facts: dict[str, Any]


class Trained(Message):
    """What a finished trial yields; `absent` tells why a metric could not be computed."""

    type: Literal["trained"] = "trained"
    params: dict[str, Value]
    device: str
    versions: dict[str, str]
    metrics: dict[str, Any]
    absent: dict[str, str] = {}
    layers: list[dict[str, Any]]
    history: list[dict[str, float]]
    raster: dict[str, list[list[int]]] = {}


class Opened(Message):
    """The worker is warm. `first_call_ms` is the very first answer's time, compilation included."""

    type: Literal["opened"] = "opened"
    first_call_ms: float
    train_batch: int
    inference_batch: int


class Samples(Message):
    """Seconds of each call, in the order taken, and the number of network samples in one call."""

    type: Literal["samples"] = "samples"
    what: str
    batch: int
    seconds: list[float]


class Measured(Message):
    """Metrics by their names, why others could not be measured, and what they were computed from."""

    type: Literal["measured"] = "measured"
    metrics: dict[str, float]
    absent: dict[str, str] = {}
    facts: dict[str, float | str] = {}


class Proved(Message):
    """How a layer's spikes and gradients compare with the equations'; `reason` says what is unequal.

    Errors are the largest, in parts of the gradient's largest value. `ties` counts the spikes whose
    membrane was the threshold itself.
    """

    type: Literal["proved"] = "proved"
    equal: bool
    reason: str
    spikes_compared: int
    spikes_differing: int
    ties: int
    weight_gradient_error: float
    input_gradient_error: float
    implementation: str


class LayerOpened(Message):
    """The very first call's time, what it answered, and how many inputs were not 0."""

    type: Literal["layer-opened"] = "layer-opened"
    first_call_ms: float
    nonzero: int
    output_density: float
    spikes_compared: int
    spikes_differing: int
    gradient_error: float
    implementation: str


class LayerSamples(Message):
    """Seconds of the forward and of the backward pass of each call, in the order taken."""

    type: Literal["layer-samples"] = "layer-samples"
    forward: list[float]
    backward: list[float]


class Failed(Message):
    """The request came to nothing; `where` is the stage or hook, the traceback is in the log."""

    type: Literal["failed"] = "failed"
    status: Status
    reason: str
    where: str = ""


Event = Annotated[
    Progress
    | Described
    | Prepared
    | Trained
    | Opened
    | Samples
    | Measured
    | Proved
    | LayerOpened
    | LayerSamples
    | Failed,
    Field(discriminator="type"),
]

requests: TypeAdapter[Request] = TypeAdapter(Request)
events: TypeAdapter[Event] = TypeAdapter(Event)
