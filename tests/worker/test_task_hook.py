"""The hook `harness_tasks` of a file: which of its tasks is meant, and its parameters."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from harness.errors import InvalidOutput, UsageError
from harness.subjects import PluginLocation
from harness.worker.task_hook import TaskHook

CODE = """
from harness.plugin import Parameter, TaskSpec, hookimpl

PARAMETERS = {"steps": Parameter(10, "steps", low=1), "merged": Parameter(False, "one polarity")}


def make(steps, merged):
    return TaskSpec("bins", "", 2, read=print, steps=steps, input_shape=(1 if merged else 2,),
                    parameters=PARAMETERS, variant=make)


@hookimpl
def harness_tasks():
    return [make(10, False), TaskSpec("plain", "", 3, read=print)][:COUNT]
"""


@pytest.fixture
def hook(plugin_file):
    def load(code=CODE, count=2):
        file = plugin_file("my_tasks", code.replace("COUNT", str(count)))
        return TaskHook(PluginLocation("my_tasks", file=str(file)))

    return load


def test_a_task_is_found_by_its_name(hook):
    assert hook().find("plain", {}).classes == 3
    assert hook(count=1).find("", {}).name == "bins"


def test_parameters_make_a_task_of_another_name(hook):
    spec = hook().find("bins", {"steps": "5", "merged": "yes"})
    assert (spec.name, spec.steps, spec.input_shape) == ("bins:merged=true,steps=5", 5, (1,))
    assert hook().find("bins", {"steps": "10"}).name == "bins"


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("plian", {}, "unknown task 'plian': did you mean 'plain'"),
        ("", {}, "the file has several tasks: add :NAME to its path, of bins, plain"),
        ("bins", {"step": "5"}, "unknown parameter 'step' of task bins: did you mean 'steps'"),
        ("bins", {"steps": "0"}, "parameter steps: 0 is below its bound 1"),
        ("plain", {"steps": "5"}, "unknown parameter 'steps' of task plain: known: none"),
    ],
)
def test_what_is_not_there(hook, name, options, told):
    with pytest.raises(UsageError, match=f"^{told}"):
        hook().find(name, options)


def test_a_file_without_the_hook_or_with_another_answer_is_refused(hook):
    with pytest.raises(UsageError, match="does not implement harness_tasks"):
        hook("x = 1")
    with pytest.raises(InvalidOutput, match="harness_tasks returned list, wanted a list of"):
        hook(count=0)
