"""A plugin's parameters, and the named sets of values that it offers. Imports no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError, unknown
from harness.plugin.contract import Unsupported, Value
from harness.plugin.sources import Reported, Source

#: Parameters that the host itself reads; every plugin declares both.
EPOCHS, BATCH_SIZE = "epochs", "batch_size"

#: A parameter that the host reads where a plugin declares it: whether the training set includes the
#: validation samples, as where a source trained on all 60 000 images of MNIST.
TRAIN_ON_VALIDATION = "train_on_validation"

QUICK, SOURCE, BEST = "quick", "source", "best"

#: The `pattern` of a parameter that lists layer sizes: "256" or "256-64".
LAYER_SIZES = r"[1-9]\d*(-[1-9]\d*)*"

#: The largest numbers that a record can hold.
_LARGEST = {int: 2**63 - 1, float: 1e100}

#: The task under which a preset's values hold for every task that it does not name.
ANY_TASK = "*"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plugin: its default, one line of help, and the values that it accepts.

    The default's type is the parameter's type. `low` and `high` are inclusive. A text that has a
    `pattern` must match it completely; `help` then describes the format. A text that is a `file` names a
    function of a Python file, FILE.py:FUNCTION, or is empty: the plugin is given the file's whole path,
    and the row names the file with the digest of its content. A parameter with `where` has an effect only
    where each parameter that it names has one of these values: other rows are shown without it.
    """

    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] | None = None
    pattern: str | None = None
    file: bool = False
    where: Mapping[str, Sequence[Value]] = field(default_factory=dict)

    def check(self, name: str, value: object) -> Value:
        """`value` in the parameter's type; UsageError where it cannot be converted or is out of bounds."""
        result = self._convert(name, value)
        if self.choices is not None and result not in self.choices:
            raise UsageError(
                f"parameter {name}: {result!r} is not one of "
                + ", ".join(str(choice) for choice in self.choices)
            )
        if self.pattern is not None and not re.fullmatch(self.pattern, str(result)):
            raise UsageError(f"parameter {name}: {result!r} is not what it takes: {self.help}")
        if isinstance(result, (int, float)) and not isinstance(result, bool):
            if not math.isfinite(result):
                raise UsageError(f"parameter {name}: {result} is not a finite number")
            if self.low is not None and result < self.low:
                raise UsageError(f"parameter {name}: {result} is below its bound {self.low:g}")
            if self.high is not None and result > self.high:
                raise UsageError(f"parameter {name}: {result} is above its bound {self.high:g}")
            if abs(result) > _LARGEST[type(result)]:
                raise UsageError(f"parameter {name}: {result:g} is too large a number")
        return result

    def _convert(self, name: str, value: object) -> Value:
        kind = type(self.default)
        if kind not in (str, bool, int, float):
            raise UsageError(
                f"parameter {name}: its default {self.default!r} is no text, number or truth value"
            )
        if kind is str:
            return str(value)
        if kind is bool:
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if str(value).lower() in words:
                return words[str(value).lower()]
        else:
            try:
                number = float(str(value))
                if kind is float:
                    return number
                if number == int(number):
                    return int(number)
            except (ValueError, OverflowError):
                pass
        noun = {bool: "true or false", int: "an integer", float: "a number"}[kind]
        raise UsageError(f"parameter {name}: {value!r} is not {noun}")


@dataclass(frozen=True)
class Presets:
    """A plugin's parameters, and the named sets of values that it offers for a task.

    `values[preset][task]` overrides the defaults; the task "*" stands for every task. A preset that
    names neither the task nor "*" is not offered for it. `sources[preset]` says where its setting is
    written, and what was reported for it: the report shows that beside what was measured. Plugins that
    name one `family` claim that their networks of equal parameters are one network, on several
    frameworks: the report compares them with each other.
    """

    parameters: Mapping[str, Parameter]
    values: Mapping[str, Mapping[str, Mapping[str, Value]]] = field(
        default_factory=lambda: {QUICK: {ANY_TASK: {}}}
    )
    sources: Mapping[str, Source] = field(default_factory=dict)
    family: str = ""

    def offers(self, preset: str, task: str) -> bool:
        """Whether there are values of `preset` for `task`."""
        return not {task, ANY_TASK}.isdisjoint(self.values.get(preset, {}))

    def resolve(self, preset: str, task: str, overrides: Mapping[str, object]) -> dict[str, Value]:
        """The parameters of `preset` for `task`, with `overrides` on top, each of them checked.

        Unsupported where the preset is not offered for the task, UsageError for a wrong parameter.
        """
        if not self.offers(preset, task):
            offered = [name for name in self.values if self.offers(name, task)]
            raise Unsupported(
                f"no preset {preset!r} for task {task!r}; there is {', '.join(offered) or 'none'}"
            )
        by_task = self.values[preset]
        chosen: dict[str, object] = {name: p.default for name, p in self.parameters.items()}
        for source in (by_task.get(ANY_TASK, {}), by_task.get(task, {}), overrides):
            for name, value in source.items():
                if name not in self.parameters:
                    raise unknown("parameter", name, self.parameters)
                chosen[name] = value
        return {name: self.parameters[name].check(name, value) for name, value in chosen.items()}

    def unused(self, params: Mapping[str, Value]) -> tuple[str, ...]:
        """The parameters that have no effect beside the others of `params`, as their `where` says.

        A shared parameter may name one that this plugin does not have: that is no condition here.
        """
        return tuple(
            name
            for name, parameter in self.parameters.items()
            if any(
                other in params and params[other] not in values
                for other, values in parameter.where.items()
            )
        )

    def reported_for(self, preset: str, task: str, params: Mapping[str, Value]) -> Reported | None:
        """What the source of `preset` reports for just these resolved parameters, if it does."""
        source = self.sources.get(preset)
        for reported in source.reported.get(task, ()) if source else ():
            if self.resolve(preset, task, reported.params) == params:
                return reported
        return None


def layer_sizes(text: str) -> list[int]:
    """The sizes that a parameter of pattern `LAYER_SIZES` lists: "256-64" is [256, 64], "none" [].

    The pattern does not admit "none"; a plugin that can do without hidden layers adds it.
    """
    return [] if text == "none" else [int(size) for size in text.split("-")]
