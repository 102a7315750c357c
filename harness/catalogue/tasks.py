"""Which tasks there are, and where a worker finds them: without importing any that are not built in.

A task is built in, an entry point of the group `harness.task` (its name is the task's, its value the
module that implements `harness_tasks`), or a file: `FILE.py`, or `FILE.py:NAME` where it has several.
Parameters of the task follow a colon: `nmnist:steps=20,polarity=merged`. Several tasks are separated by
commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.catalogue.announced import announced, check_file
from harness.catalogue.digest import file_digest
from harness.errors import UsageError, unknown
from harness.subjects import PluginLocation, TaskLocation

TASK_GROUP = "harness.task"

#: The modules of the host's own tasks.
BUILT_IN = {
    "digits": "harness.tasks.digits",
    "mnist": "harness.tasks.vision",
    "fashion-mnist": "harness.tasks.vision",
    "kmnist": "harness.tasks.vision",
    "cifar10": "harness.tasks.cifar10",
    "mnist1d": "harness.tasks.mnist1d",
    "randman": "harness.tasks.randman",
    "yin-yang": "harness.tasks.yin_yang",
    "delayed-match": "harness.tasks.delayed_match",
    "spike-train": "harness.tasks.spike_train",
    "spike-pattern": "harness.tasks.spike_train",
}

_TEXT = re.compile(
    r"(?P<head>.+?\.py|[^:]+)(:(?P<name>[^:=]+))?(:(?P<options>[^:]*=[^:]*))?", re.DOTALL
)
#: What a text ends in that has parameters, and one more of them.
_PARAMETERS, _PARAMETER = re.compile(r":[^:]*=[^:]*$"), re.compile(r"[^:]*=[^:]*")


@dataclass(frozen=True)
class TaskEntry:
    """A task as its metadata describe it.

    `name` is that of the entry point, or of the file. A built-in task has no digest of its code, because
    the host's covers it.
    """

    name: str
    location: TaskLocation
    distribution: str = ""
    status: Literal["ready", "missing", "broken"] = "ready"
    reason: str = ""
    install: str = ""


def discover_tasks() -> list[TaskEntry]:
    """Every task that is built in or installed; none is imported."""
    tasks = {name: TaskEntry(name, _in_module(name, module)) for name, module in BUILT_IN.items()}
    for name, module, distribution, digest, state in announced(TASK_GROUP):
        task = TaskEntry(name, _in_module(name, module, digest), distribution, *state)
        earlier = tasks.setdefault(name, task)
        if earlier.distribution != distribution:
            owners = f"{earlier.distribution or 'snn-harness'}, {distribution}"
            reason = f"the name is taken twice: {owners}"
            tasks[name] = replace(earlier, status="broken", reason=reason, install="")
    return list(tasks.values())


def find_task(text: str) -> TaskEntry:
    """The task that `text` names; UsageError in one line where there is none, or it cannot be used."""
    parts = _TEXT.fullmatch(text)
    if not parts:
        raise UsageError(f"--task {text!r}: wanted NAME, FILE.py, FILE.py:NAME or NAME:param=value")
    options = _options(text, parts["options"] or "")
    head, name = parts["head"], parts["name"] or ""
    if head.endswith(".py"):
        return _from_file(Path(head), name, options)
    if name:
        raise UsageError(f"--task {text!r}: {name!r} is no param=value")
    known = {task.name: task for task in discover_tasks()}
    if head not in known:
        if Path(f"{head}.py").is_file():
            raise UsageError(f"no task {head!r} is installed: did you mean {head}.py?")
        raise unknown("task", head, known)
    task = known[head]
    if task.status != "ready":
        mend = f"; install it with: {task.install}" if task.install else ""
        raise UsageError(f"task {head} is {task.status}: {task.reason}{mend}")
    return replace(task, location=task.location.model_copy(update={"options": options}))


def split_tasks(text: str) -> tuple[str, ...]:
    """Each of the tasks that `text` of --task names. What follows a parameter is one, if it has a value."""
    names: list[str] = []
    for part in text.split(","):
        if names and _PARAMETERS.search(names[-1]) and _PARAMETER.fullmatch(part):
            names[-1] += f",{part}"
        else:
            names.append(part.strip())
    return tuple(names)


def short_name(text: str) -> str:
    """What `text` of --task is called in the name of a folder: a file's by its stem."""
    return "-".join(map(_short_name, split_tasks(text)))


def _short_name(text: str) -> str:
    parts = _TEXT.fullmatch(text)
    head = parts["head"] if parts else text
    return (parts and parts["name"]) or Path(head).name.removesuffix(".py")


def split_path(text: str) -> tuple[str, str]:
    """The path in `text` of --task, "" where it names no file, and what follows the path."""
    parts = _TEXT.fullmatch(text)
    if not parts or not parts["head"].endswith(".py"):
        return "", text
    return parts["head"], text[len(parts["head"]) :]


def _options(text: str, given: str) -> dict[str, str]:
    options = {}
    for part in filter(None, given.split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value) or name in options:
            raise UsageError(f"--task {text!r}: wanted param=value once each, not {part!r}")
        options[name] = value
    return options


def _from_file(path: Path, name: str, options: Mapping[str, str]) -> TaskEntry:
    check_file("task", path)
    place = PluginLocation(path.stem, file=str(path.resolve()))
    location = TaskLocation(place=place, name=name, options=dict(options), digest=file_digest(path))
    return TaskEntry(path.stem, location)


def _in_module(name: str, module: str, digest: str = "") -> TaskLocation:
    return TaskLocation(place=PluginLocation(name, module=module), name=name, digest=digest)
