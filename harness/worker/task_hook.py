"""The hook `harness_tasks` of one module: the task that is asked for, with the parameters given for it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import InvalidOutput, UsageError, unknown
from harness.plugin.tasks import TaskSpec
from harness.subjects import PluginLocation
from harness.tasks.checks import spec_problem
from harness.worker.loading import LoadedPlugin


class TaskHook(LoadedPlugin):
    """The tasks of a module or a file."""

    def __init__(self, location: PluginLocation) -> None:
        super().__init__(location)
        if self.lacks("harness_tasks"):
            raise UsageError(f"{location.file or location.module} does not implement harness_tasks")
        with self.running("harness_tasks"):
            specs = self.hook.harness_tasks()
            if problem := spec_problem(specs):
                raise InvalidOutput(problem)
        self.specs: list[TaskSpec] = list(specs)

    def find(self, name: str, options: Mapping[str, str]) -> TaskSpec:
        """The task called `name`, or the only one of the file; UsageError where there is none."""
        by_name = {spec.name: spec for spec in self.specs}
        if name:
            if name not in by_name:
                raise unknown("task", name, by_name)
            return varied(by_name[name], options)
        if len(self.specs) > 1:
            names = ", ".join(by_name)
            raise UsageError(f"the file has several tasks: add :NAME to its path, of {names}")
        return varied(self.specs[0], options)


def varied(spec: TaskSpec, options: Mapping[str, str]) -> TaskSpec:
    """The task with these parameters; one that differs from its default becomes part of its name."""
    from dataclasses import replace

    for name in options:
        if name not in spec.parameters:
            raise unknown("parameter", name, spec.parameters, f"of task {spec.name}")
    if spec.variant is None:
        return spec
    values = {
        name: parameter.check(name, options.get(name, parameter.default))
        for name, parameter in spec.parameters.items()
    }
    changed = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in sorted(values.items())
        if value != spec.parameters[name].default
    ]
    name = f"{spec.name}:{','.join(changed)}" if changed else spec.name
    return replace(spec.variant(**values), name=name)
