"""What the coordinator asks a worker."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from harness.plugin.contract import Neuron
from harness.subjects import Data, LayerRow, PluginLocation, TaskLocation, Trial


class Describe(Data):
    """Answered by `Described`: the plugin's parameters and presets."""

    type: Literal["describe"] = "describe"
    plugin: PluginLocation


class Prepare(Data):
    """Answered by `Prepared`: the task's data, found or downloaded, verified, split and cached."""

    type: Literal["prepare"] = "prepare"
    task: TaskLocation
    data: list[str]
    cache: str


class DescribeTasks(Data):
    """Answered by `TasksDescribed`: the tasks of one module or file, and where their data lie.

    With `prepared`, also what is known of data that were prepared before: their digests are computed.
    """

    type: Literal["describe-tasks"] = "describe-tasks"
    task: TaskLocation
    data: list[str]
    cache: str
    prepared: bool = False


class DescribeMetrics(Data):
    """Answered by `MetricsDescribed`: the metrics of a module or a file."""

    type: Literal["describe-metrics"] = "describe-metrics"
    place: PluginLocation


class ComputeMetric(Data):
    """Answered by `Computed`: one metric of one trial, from what its worker left in `evidence`.

    `changes` are those that the evidence has, `metrics` and `layers` what the host measured of the trial.
    Asked of a process that holds no plugin: it is given the `labels`.
    """

    type: Literal["compute-metric"] = "compute-metric"
    place: PluginLocation
    name: str
    evidence: str
    labels: str
    classes: int
    metrics: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []


class MetricPlace(Data):
    """Where a metric is declared whose changes a trial is evaluated under."""

    place: PluginLocation
    name: str


class RunTrial(Data):
    """Answered by `Trained`: build, train, finish, evaluate; saves the state and the predictions.

    Where `evidence` names a file, it also leaves there what metrics by hook are computed from, with the
    predictions under the changes of those metrics that are listed in `changed`. Where `checkpoint` names
    a file, the training goes on from what it holds, and is kept there after an epoch, if that many
    `checkpoint_seconds` have passed since the last time.
    """

    type: Literal["trial"] = "trial"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    predictions: str
    evidence: str = ""
    changed: tuple[MetricPlace, ...] = ()
    checkpoint: str = ""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 0.0


class ReloadTrial(Data):
    """Answered by `Measured`: builds a trained network anew, loads its state, and compares.

    What it answers is held against `predictions` and the scores of the first samples (`beginning`), or,
    where its task has none, the steps at which each output neuron spiked when it was trained. The fact
    `reload` says "same"; where it is not, `Failed`.
    """

    type: Literal["reload"] = "reload"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    predictions: str
    output: list[list[int]] = []
    beginning: list[list[float]] = []


class ExportNetwork(Data):
    """Answered by `Measured`: writes a trained network to `path` as a graph of NIR.

    `dt` is the time step in seconds, that of the task where it is None.
    """

    type: Literal["export-network"] = "export-network"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    path: str
    dt: float | None = None


class OpenNetwork(Data):
    """Answered by `Opened`: builds the model, loads the trained state, evaluates it once more.

    `predictions` are those of the trained model, "" where its task has none; the loaded one's must agree.
    `variant` is how it is evaluated (`VARIANTS`).
    """

    type: Literal["open-network"] = "open-network"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    predictions: str = ""
    variant: str = "eager"


class OpenLayer(Data):
    """Answered by `Opened`: builds the layer, calls it once and checks what it answers.

    Skipped where memory will not do: as many other workers as `to_follow` will then hold a layer of
    this size beside it.
    """

    type: Literal["open-layer"] = "open-layer"
    plugin: PluginLocation
    row: LayerRow
    to_follow: int = 0


class OpenProbe(Data):
    """Answered by `Opened`: a known piece of work, timed like a plugin, to judge the machine by."""

    type: Literal["open-probe"] = "open-probe"
    device: str
    threads: int = 1


class WarmUp(Data):
    """Answered by `Measured`: calls of each of `whats` until they take as long as the calls before.

    `batches` replaces those that the worker chose.
    """

    type: Literal["warm-up"] = "warm-up"
    whats: list[str]
    batches: dict[str, int] = {}


class TakeRound(Data):
    """Answered by `Samples`: calls `what` for about `seconds`, at least `calls` times, timing each.

    With `fresh`, the subject is built anew first. `batch` replaces the batch that the worker chose.
    """

    type: Literal["round"] = "round"
    what: str
    seconds: float
    calls: int
    fresh: bool = False
    batch: int | None = None


class TakeValidity(Data):
    """Answered by `Measured`, or by `Failed` where the timed calls cannot have done the work.

    `predictions_only` leaves out what is a property of the network, not of the process that timed it.
    """

    type: Literal["validity"] = "validity"
    predictions_only: bool = False


class TakeMemory(Data):
    """Answered by `Measured`: peak memory, in a pass of its own."""

    type: Literal["memory"] = "memory"


class TakeEnergy(Data):
    """Answered by `Measured`: joules a sample over about `seconds` of inference, idle subtracted."""

    type: Literal["energy"] = "energy"
    seconds: float


class TakeSweep(Data):
    """Answered by `Swept`: the rate by batch size, for about `seconds` of inference and of training."""

    type: Literal["sweep"] = "sweep"
    seconds: float


class MeasurePeaks(Data):
    """Answered by `Measured`: the operations and the bytes a second that the device can do."""

    type: Literal["peaks"] = "peaks"
    device: str
    threads: int


class ProveLayer(Data):
    """Answered by `Proved`: whether the plugin's layer is `neuron`."""

    type: Literal["prove"] = "prove"
    plugin: PluginLocation
    neuron: Neuron
    device: str
    threads: int


class CheckPlugin(Data):
    """Answered by `Checked`: one check of the conformance suite, by its name.

    A worker keeps what it has trained for the checks after it; `folder` is where it leaves the trained
    state for a second process. `quick` trains on fewer samples and takes fewer steps.
    """

    type: Literal["check"] = "check"
    plugin: PluginLocation
    check: str
    folder: str
    device: str = "cpu"
    quick: bool = False


Request = Annotated[
    Describe
    | DescribeMetrics
    | ComputeMetric
    | Prepare
    | DescribeTasks
    | RunTrial
    | ReloadTrial
    | ExportNetwork
    | OpenNetwork
    | OpenLayer
    | OpenProbe
    | WarmUp
    | TakeRound
    | TakeValidity
    | TakeMemory
    | TakeEnergy
    | TakeSweep
    | MeasurePeaks
    | ProveLayer
    | CheckPlugin,
    Field(discriminator="type"),
]

requests: TypeAdapter[Request] = TypeAdapter(Request)
