"""What a command is asked to do, parsed once: from the command line, from Python, from run.json."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from harness.catalogue.tasks import split_tasks
from harness.cores import cores
from harness.errors import UsageError, unknown, wrong_value
from harness.plugin.contract import Neuron, Value
from harness.plugin.parameters import QUICK
from harness.subjects import VARIANTS, LayerSize

Count = Annotated[int, Field(ge=1, lt=2**31)]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Seconds = Positive
Minutes = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, le=threading.TIMEOUT_MAX)]


def several(values: Any) -> tuple[Any, ...]:
    """A single value is a list of one, a text or a path too; numpy's scalars become Python's."""
    one = isinstance(values, (str, bytes, os.PathLike, Mapping)) or getattr(values, "ndim", 1) == 0
    if one or not isinstance(values, Iterable):
        values = (values,)
    return tuple(each.item() if hasattr(each, "item") else each for each in values)


def patterns(given: Any) -> tuple[str, ...]:
    """Names, globs and files: one text, parted by commas, or several."""
    if isinstance(given, str):
        return tuple(name for name in given.split(",") if name)
    return texts(given)


def texts(given: Any) -> tuple[str, ...]:
    """One or several, each as a text."""
    return tuple(map(str, several(given)))


def _none(value: Any) -> Any:
    """The command line and a TOML file have no other word for it."""
    return None if value == "none" else value


#: Parameters by plugin name or pattern: each has the values of which every one is a row.
Params = dict[str, dict[str, Annotated[tuple[Value, ...], BeforeValidator(several)]]]


class Config(BaseModel):
    """What all commands that measure have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugins: tuple[str, ...]
    device: str = "auto"
    threads: Count = 1
    rounds: Count = 12
    min_time: Seconds = 0.02
    timeout: Timeout | None = None
    memory: Positive | None = None
    baseline: str = ""


class RunConfig(Config):
    """One `harness run`. It is kept in run.json, from which a run is resumed."""

    task: str = "digits"
    preset: str = QUICK
    params: Params = {}
    seeds: tuple[int, ...] = (0, 1, 2)
    jobs: Count | None = None
    timing: bool = True
    limit: Count | None = None
    checkpoint: Annotated[Minutes | None, BeforeValidator(_none)] = 10.0
    fail_fast: bool = False
    isolate: bool = False
    sweep: bool = False
    variants: tuple[str, ...] = VARIANTS[:1]
    data: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    shard: str = ""
    executor: Literal["local", "dask"] = "local"
    scheduler: str = ""

    @field_validator("task", "preset", mode="before")
    @classmethod
    def _one_text(cls, given: Any) -> Any:
        """Several are one text, separated by commas, as on the command line."""
        several = isinstance(given, (list, tuple)) and all(isinstance(each, str) for each in given)
        return ",".join(given) if several else given

    @field_validator("task")
    @classmethod
    def _distinct_tasks(cls, task: str) -> str:
        tasks = split_tasks(task)
        if not all(tasks):
            raise ValueError("wanted NAME or FILE.py, several separated by commas")
        if twice := [each for each in tasks if tasks.count(each) > 1]:
            raise ValueError(f"wanted each task once, and {twice[0]} is given twice")
        return ",".join(tasks)

    @field_validator("preset")
    @classmethod
    def _named_presets(cls, preset: str) -> str:
        """Which names there are, only plugins know once they are imported."""
        if not all(preset.split(",")):
            raise ValueError("wanted names or patterns, several separated by commas")
        return preset

    @field_validator("params", mode="before")
    @classmethod
    def _by_plugin(cls, params: Any, info: ValidationInfo) -> Any:
        given = params.items() if isinstance(params, Mapping) else ()
        if bare := {name: value for name, value in given if not isinstance(value, Mapping)}:
            first = next(iter(info.data.get("plugins", ())), "all")
            plugin = "PLUGIN" if first == "all" else Path(first).name.removesuffix(".py")
            raise UsageError(f"params: wanted {{{plugin!r}: {bare}}}")
        return params

    @field_validator("params")
    @classmethod
    def _no_empty_lists(cls, params: Params) -> Params:
        """Without a value there would be no row, and nobody would be told."""
        for pattern, chosen in params.items():
            for name, values in chosen.items():
                if not values:
                    raise ValueError(f"{pattern}.{name} has no value")
        return params

    @field_validator("variants")
    @classmethod
    def _known_variants(cls, variants: tuple[str, ...]) -> tuple[str, ...]:
        """Eager always, and first: the others are compared with it."""
        if unknown := [name for name in variants if name not in VARIANTS]:
            raise ValueError(f"{unknown[0]!r} is unknown: known are {', '.join(VARIANTS)}")
        return tuple(name for name in VARIANTS if name in variants or name == VARIANTS[0])

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds:
            raise ValueError("at least one seed is needed")
        if any(seed < 0 or seed >= 2**63 for seed in seeds):
            raise ValueError("seeds are integers from 0 to 2**63 - 1")
        return tuple(dict.fromkeys(seeds))

    @field_validator("shard")
    @classmethod
    def _a_part(cls, shard: str) -> str:
        parts = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", shard, re.ASCII)
        if shard and (not parts or int(parts[1]) > int(parts[2])):
            raise ValueError("wanted K/N with K from 1 to N, as in 3/10")
        return shard

    @model_validator(mode="after")
    def _a_scheduler_of_a_cluster(self) -> RunConfig:
        if self.scheduler and self.executor != "dask":
            raise UsageError("--scheduler ADDRESS goes with --executor dask")
        return self

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks, each as `find_task` takes it."""
        return split_tasks(self.task)

    def on(self, task: str) -> RunConfig:
        """The same run on one task alone."""
        return self.model_copy(update={"task": task})

    @property
    def part(self) -> tuple[int, int]:
        """K and N of `shard`: this run has every Nth trial, beginning with the Kth."""
        place, _, count = (self.shard or "1/1").partition("/")
        return int(place), int(count)

    def parallel(self, device: str) -> int:
        """How many trials train at once: one a core's worth of threads, and one alone on a GPU."""
        if self.jobs is not None:
            return self.jobs
        return 1 if device.startswith("cuda") else max(1, cores() // self.threads)

    def data_folders(self) -> list[str]:
        """Where data are looked for before the cache: --data, then HARNESS_DATA."""
        variable = os.environ.get("HARNESS_DATA", "")
        folders = [*self.data, *(part for part in variable.split(os.pathsep) if part)]
        return [str(Path(folder).expanduser().resolve()) for folder in folders]


class LayersConfig(Config):
    """One `harness layers`: its proofs and measurements. It is kept in run.json."""

    neurons: Annotated[tuple[Count, ...], Field(min_length=1)] = (512, 2048)
    steps: Count = 500
    batch: Count = 16
    density: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (1.0, 0.1)
    proved: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.5, 0.9, 0.95, 1.0)
    beta: Fraction = 0.9
    min_time: Seconds = 0.1
    timeout: Timeout = 240.0

    @property
    def timed(self) -> Neuron:
        """The neuron whose speed is measured."""
        return Neuron(beta=self.beta, detach=True)

    def neurons_to_prove(self) -> list[Neuron]:
        """The decays in turn, each with the reset detached and attached; the timed one among them."""
        betas = dict.fromkeys((*self.proved, self.beta))
        return [Neuron(beta=beta, detach=detach) for beta in betas for detach in (True, False)]

    def sizes(self) -> Iterator[LayerSize]:
        """The layers to be measured, the smallest first: its time forecasts the next one's."""
        for neurons in sorted(set(self.neurons)):
            for density in sorted(set(self.density), reverse=True):
                yield LayerSize(
                    neurons=neurons, steps=self.steps, batch=self.batch, density=density
                )


C = TypeVar("C", bound=Config)


def make_config(
    kind: type[C], options: Mapping[str, Any], named: Callable[[str], str] | None = None
) -> C:
    """A configuration of `kind`; UsageError in one line where an option is wrong.

    `named` says what a field is called where it was given, as `option` does for the command line.
    """
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        raise UsageError(option_error(error, kind, named or option)) from None


def option_error(error: ValidationError, kind: type[Config], named: Callable[[str], str]) -> str:
    """The first of the mistakes; its option is called as `named` says."""
    first = error.errors()[0]
    if not first["loc"]:  # of the whole, which is nothing that a command line can say
        return f"the options: {wrong_value(first)}"
    name, *inner = (str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return str(unknown("option", named(name), map(named, kind.model_fields)))
    where, what = named(name), wrong_value(first)
    if inner and name == "params":
        where = f"{where} {'.'.join(inner[:2])}"
    if first["type"] == "value_error":
        what = f"{what}, not {first['input']!r}"
    return f"{where}: {what}"


def option(field: str) -> str:
    """What a field of a configuration is called on the command line."""
    return "--set" if field == "params" else f"--{field.replace('_', '-')}"


def parse_params(texts: Iterable[str]) -> Params:
    """`NAME.param=value[,value...]` texts as a mapping; UsageError for one of another form.

    A later text for the same pattern and parameter replaces the earlier one.
    """
    params: Params = {}
    for text in texts:
        target, equals, values = text.partition("=")
        pattern, dot, parameter = target.rpartition(".")
        if not (equals and dot and pattern and parameter and values):
            raise UsageError(
                f"--set {text!r}: wanted NAME.param=value, as in native-dfa.hidden=128"
            )
        chosen = params.setdefault(pattern, {})
        chosen[parameter] = tuple(value.strip() for value in values.split(","))
    return params
