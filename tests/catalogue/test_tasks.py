"""Tasks are found by name, in a distribution or in a file, without importing any."""

from __future__ import annotations

import pytest

from harness.catalogue.digest import file_digest
from harness.catalogue.tasks import (
    BUILT_IN,
    discover_tasks,
    find_task,
    short_name,
    split_path,
    split_tasks,
)
from harness.errors import UsageError

BOOM = "raise RuntimeError('imported')\n"


@pytest.fixture
def task_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(BOOM)
    return path


def refused(text):
    with pytest.raises(UsageError) as error:
        find_task(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_built_in_tasks_come_first():
    assert [task.name for task in discover_tasks()][: len(BUILT_IN)] == list(BUILT_IN)
    found = find_task("mnist")
    assert (found.location.place.module, found.location.name) == ("harness.tasks.vision", "mnist")
    assert (found.status, found.location.digest) == ("ready", "")


def test_a_wrong_name_offers_the_nearest():
    assert refused("mnits").startswith(
        "unknown task 'mnits': did you mean 'mnist'? known: cifar10, "
    )


def test_an_installed_task_is_found_and_not_imported(distribution):
    distribution("theirs", tasks={"wine": "theirs_wine"}, modules={"theirs_wine": BOOM})
    found = find_task("wine")
    assert found.distribution == "theirs"
    assert found.location.place.module == "theirs_wine"
    assert len(found.location.digest) == 64
    assert found in discover_tasks()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tasks": {"wine": "nowhere"}}, "task wine is broken: there is no module nowhere"),
        (
            {"tasks": {"wine": "wines"}, "modules": {"wines": "def f(:\n"}},
            "task wine is broken: line 1: ",
        ),
        (
            {"tasks": {"wine": "wines"}, "modules": {"wines": BOOM}, "requires": ["no-such-thing"]},
            "task wine is missing: no-such-thing is not installed; install it with: pip install theirs",
        ),
    ],
)
def test_an_installed_task_that_cannot_be_used_says_why(distribution, options, told):
    distribution("theirs", **options)
    assert refused("wine").startswith(told)


def test_a_name_that_is_taken_twice_is_no_task(distribution):
    distribution("theirs", tasks={"mnist": "theirs_m"}, modules={"theirs_m": BOOM})
    assert refused("mnist") == "task mnist is broken: the name is taken twice: snn-harness, theirs"
    assert find_task("digits").name == "digits"


def test_a_file_is_found_with_its_digest(task_file):
    location = find_task(str(task_file)).location
    assert location.place.file == str(task_file)
    assert (location.name, location.options) == ("", {})
    assert location.digest == file_digest(task_file)


def test_a_file_may_have_several_tasks_and_tasks_may_have_parameters(task_file):
    location = find_task(f"{task_file}:two:steps=5,merged=true").location
    assert (location.name, location.options) == ("two", {"steps": "5", "merged": "true"})
    location = find_task(f"{task_file}:steps=5").location
    assert (location.name, location.options) == ("", {"steps": "5"})
    assert find_task("mnist:a=1").location.options == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mnist:x", "--task 'mnist:x': 'x' is no param=value"),
        ("mnist:a=1,a=2", "--task 'mnist:a=1,a=2': wanted param=value once each, not 'a=2'"),
        ("mnist:a=", "--task 'mnist:a=': wanted param=value once each, not 'a='"),
        ("mnist:a:b=1:c", "--task 'mnist:a:b=1:c': wanted NAME, FILE.py, FILE.py:NAME or"),
        ("", "--task '': wanted NAME"),
        ("nowhere/x.py", "task file nowhere/x.py: No such file or directory"),
    ],
)
def test_what_is_no_task(text, told):
    assert refused(text).startswith(told)


def test_a_file_that_is_no_python_or_lacks_something_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe")
    assert refused(str(path)) == f"task file {path}: not UTF-8 text"
    path.write_text("x = (\n")
    assert refused(str(path)).startswith(f"task file {path}: line 1: ")
    path.write_text('# /// script\n# dependencies = ["no-such-thing>=2"]\n# ///\n')
    assert refused(str(path)).endswith(
        "no-such-thing is not installed; install it with: pip install 'no-such-thing>=2'"
    )
    path.write_text('# /// script\n# dependencies = "x"\n# dependencies = 1\n# ///\n')
    assert "its script block is not valid" in refused(str(path))


def test_the_parts_of_what_is_typed():
    assert split_path("a/mine.py:two:a=1") == ("a/mine.py", ":two:a=1")
    assert split_path("nmnist:steps=5") == ("", "nmnist:steps=5")
    assert [short_name(text) for text in ("a/mine.py", "mine.py:two", "nmnist:steps=5", "x")] == [
        "mine",
        "two",
        "nmnist",
        "x",
    ]
    assert short_name("a/mine.py:two,nmnist:steps=5,polarity=merged,x") == "two-nmnist-x"


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("digits", ("digits",)),
        ("digits, mnist", ("digits", "mnist")),
        ("nmnist:steps=5,polarity=merged,digits", ("nmnist:steps=5,polarity=merged", "digits")),
        ("a.py:one,a.py:two:x=1,y=2", ("a.py:one", "a.py:two:x=1,y=2")),
        ("shd:steps=5,nmnist:steps=5", ("shd:steps=5", "nmnist:steps=5")),
        ("digits,steps=5", ("digits", "steps=5")),
        ("digits,", ("digits", "")),
    ],
)
def test_several_tasks_are_separated_where_no_parameter_goes_on(text, tasks):
    assert split_tasks(text) == tasks
