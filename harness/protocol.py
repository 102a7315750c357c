"""The messages between coordinator and worker: one JSON object a line.

The coordinator writes requests to the worker's standard input, the worker answers with events on
what was its standard output (its prints go to the log instead). A request is answered by any number
of `Progress` events and exactly one other event; `Failed` may take the place of any answer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harness.contract import PluginSource, Value

Status = Literal["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]


class Message(BaseModel):
    """Unknown fields are an error: both ends are of one version or of none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(Message):
    """Plugin x task x seed x device x parameters: all that decides a trial's result."""

    plugin: PluginSource
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


# --- requests -------------------------------------------------------------------------------------


class Describe(Message):
    """Answered by `Described`: the plugin's parameters and presets."""

    type: Literal["describe"] = "describe"
    plugin: PluginSource


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
    """Answered by `Opened`: builds the model, loads the trained state, warms up."""

    type: Literal["open"] = "open"
    trial: Trial
    data: str
    state: str


class OpenProbe(Message):
    """Answered by `Opened`: a known piece of work, timed like a plugin, to judge the machine by."""

    type: Literal["probe"] = "probe"
    device: str
    threads: int = 1


class TakeRound(Message):
    """Answered by `Samples`: calls `what` for about `seconds`, at least `calls` times, timing each."""

    type: Literal["round"] = "round"
    what: Literal["latency", "inference", "train"]
    seconds: float
    calls: int


class TakeMemory(Message):
    """Answered by `Measured`: peak memory, in a pass of its own."""

    type: Literal["memory"] = "memory"


Request = Annotated[
    Describe | Prepare | RunTrial | OpenTiming | OpenProbe | TakeRound | TakeMemory,
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
    """What a finished trial yields."""

    type: Literal["trained"] = "trained"
    params: dict[str, Value]
    device: str
    versions: dict[str, str]
    metrics: dict[str, Any]
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
    """Metrics by their names."""

    type: Literal["measured"] = "measured"
    metrics: dict[str, float]


class Failed(Message):
    """The request came to nothing; `where` is the stage or hook, the traceback is in the log."""

    type: Literal["failed"] = "failed"
    status: Status
    reason: str
    where: str = ""


Event = Annotated[
    Progress | Described | Prepared | Trained | Opened | Samples | Measured | Failed,
    Field(discriminator="type"),
]

requests: TypeAdapter[Request] = TypeAdapter(Request)
events: TypeAdapter[Event] = TypeAdapter(Event)
