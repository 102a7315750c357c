"""What a worker answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from harness.errors import plain
from harness.plugin.contract import Task, Value
from harness.plugin.metrics import Unit
from harness.plugin.sources import Source
from harness.subjects import Data, Status


class Answer(Data):
    """An event. Its texts may be a plugin's: they come printable, whatever control characters and lone
    surrogates they had.
    """

    @model_validator(mode="before")
    @classmethod
    def _printable(cls, fields: Any) -> Any:
        return printable(fields)


def printable(value: Any) -> Any:
    """`value`, a tree of JSON, with every text in it on one line and printable."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {printable(name): printable(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (int, float)):
        return [printable(part) for part in value]
    return value


class Progress(Answer):
    """Where a trial stands. `done` and `total` count batches of this stage.

    `node` is the machine of a cluster that it runs on, "" for the coordinator's own. `spent` is how many
    seconds a trial that goes on from a checkpoint was trained before, `note` a line for the user.
    """

    type: Literal["progress"] = "progress"
    stage: str
    done: int = 0
    total: int = 0
    epoch: int | None = None
    epochs: int | None = None
    scalars: dict[str, float] = {}
    node: str = ""
    spent: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    note: str = ""


class Described(Answer):
    """The fields of `Presets`, its parameters as {name: {default, help, low, high, ...}}."""

    type: Literal["described"] = "described"
    parameters: dict[str, dict[str, Any]]
    values: Mapping[str, Mapping[str, Mapping[str, Value]]]
    sources: Mapping[str, Source] = {}
    family: str = ""


class DeclaredMetric(Data):
    """A metric by hook as data: the fields of `harness.plugin.MetricSpec` that need no code.

    `source` is the entry point or file that declares it, `digest` that of its code ("" of the host's own),
    `changes` the titles of its changes by their names.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    unit: Unit
    better: Literal["more", "less"]
    meaning: str
    combine: Literal["seeds", "accuracy", "mean", "named"] = "seeds"
    place: Literal["brief", "table", "record"] = "table"
    signed: bool = False
    source: str
    digest: str = ""
    changes: dict[str, str] = {}


class MetricsDescribed(Answer):
    """The metrics of a module; `problems` says in a line each what is wrong with others."""

    type: Literal["metrics-described"] = "metrics-described"
    metrics: list[DeclaredMetric]
    problems: list[str] = []


class Computed(Answer):
    """A metric's value, or why there is none: `failed` where its code is to blame, not the network.

    `curves` are the accuracies at each strength of each of its changes, that without one at "0".
    """

    type: Literal["computed"] = "computed"
    value: float | dict[str, float] | None = None
    curves: dict[str, dict[str, float]] = Field(default_factory=dict)
    absent: str = ""
    failed: bool = False


class Prepared(Answer):
    """`path` of the cached arrays; `facts` (sizes, digests, source) go into the run's description.

    `labels` is the file with the classes of the test samples, for the coordinator alone; "" where the
    task has none. `task` is what plugins are told of it.
    """

    type: Literal["prepared"] = "prepared"
    path: str
    labels: str = ""
    facts: dict[str, Any]
    task: Task | None = None


class TasksDescribed(Answer):
    """What `harness.tasks.describe` tells of each task."""

    type: Literal["tasks-described"] = "tasks-described"
    tasks: list[dict[str, Any]]


class Trained(Answer):
    """What a finished trial yields; `absent` tells why a metric could not be computed.

    `metrics` are the host's, `scalars` what the plugin itself returned when it finished training,
    `facts` what else is known of the network, `unchanged` the changes under which it could not be
    evaluated, and why. `beginning` are its scores of the first test samples, for the reload.
    """

    type: Literal["trained"] = "trained"
    versions: dict[str, str]
    metrics: dict[str, Any]
    scalars: dict[str, float] = {}
    absent: dict[str, str] = {}
    unchanged: dict[str, str] = {}
    layers: list[dict[str, Any]]
    history: list[dict[str, float]]
    raster: dict[str, list[list[int]]] = {}
    beginning: list[list[float]] = []
    facts: dict[str, Any] = {}


class Opened(Answer):
    """The subject stands. `first_call_ms` is the time to its first output, `first_build_ms` the part
    of it before the call.

    `batches` is the number of samples in a call of each kind of round, `facts` what is known of the
    subject from now on.
    """

    type: Literal["opened"] = "opened"
    first_call_ms: float
    first_build_ms: float = 0.0
    batches: dict[str, int]
    facts: dict[str, Any] = {}


#: The stages between which the timed calls of a round lie.
TIMING, TIMED = "timing", "timed"
#: What a call can take: no clock gives anything else.
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Samples(Answer):
    """Seconds of each call, in the order taken, and the number of samples in one call.

    A call may have parts that are timed by themselves: each is one series. `aside` is what the host
    took between the calls to fetch inputs and to check answers; `cores` is the CPU time of all threads of
    the process and of its children over that of the clock, while it made the calls. The calls lie between
    the stages `TIMING` and `TIMED` of `Progress`, by which the coordinator compares them with its clock.
    """

    type: Literal["samples"] = "samples"
    batch: Annotated[int, Field(ge=1)]
    series: Annotated[dict[str, Annotated[list[Seconds], Field(min_length=1)]], Field(min_length=1)]
    aside: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    cores: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Measured(Answer):
    """Metrics by their names, why others could not be measured, and what they were computed from."""

    type: Literal["measured"] = "measured"
    metrics: dict[str, float]
    absent: dict[str, str] = {}
    facts: dict[str, float | str] = {}


class SweepPoint(Data):
    """One batch size of a sweep: the median call's milliseconds, and its samples a second."""

    batch: int
    ms: float
    rate: float


class Sweep(Data):
    """Rates by batch size, and what ended it: `flat`, `data`, `memory` or `time`."""

    points: tuple[SweepPoint, ...]
    ended: str


class Swept(Answer):
    """The sweeps of inference and training, metrics beside them, and why one of them is missing."""

    type: Literal["swept"] = "swept"
    sweeps: dict[str, Sweep]
    metrics: dict[str, float] = {}
    absent: dict[str, str] = {}
    facts: dict[str, float | str] = {}


class Proved(Answer):
    """How a layer's spikes and gradients compare with the equations', as metrics of the registry.

    `reason` says what is unequal; it is empty where nothing is.
    """

    type: Literal["proved"] = "proved"
    reason: str
    metrics: dict[str, Any]


class Checked(Answer):
    """What a check found; `mend` says what to change where it failed."""

    type: Literal["checked"] = "checked"
    status: Literal["ok", "failed", "skipped"]
    detail: str
    mend: str = ""


class Failed(Answer):
    """The request came to nothing; `where` is the stage or hook, the traceback is in the log."""

    type: Literal["failed"] = "failed"
    status: Status
    reason: str
    where: str = ""


Event = Annotated[
    Progress
    | Described
    | MetricsDescribed
    | Computed
    | Prepared
    | TasksDescribed
    | Trained
    | Opened
    | Samples
    | Measured
    | Swept
    | Proved
    | Checked
    | Failed,
    Field(discriminator="type"),
]

events: TypeAdapter[Event] = TypeAdapter(Event)
