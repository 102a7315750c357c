"""Every mistake in a task's arrays is one line."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import DataMissing
from harness.plugin import Arrays, Loader, TaskSpec, split_at_random
from harness.tasks.checks import CheckedArrays, spec_problem

RANDOM = np.random.default_rng(0)
SIZES = {"train": 20, "validation": 5, "test": 5}


def good(**changes):
    splits = {
        name: (RANDOM.random((size, 3), np.float32), np.arange(size) % 2)
        for name, size in SIZES.items()
    }
    return {**splits, **changes}


def read_all(arrays, **changes):
    spec = TaskSpec(**{"name": "mine", "description": "", "classes": 2, "read": print} | changes)
    checked = CheckedArrays(spec, arrays)
    contents = checked.contents()
    read = {name: np.concatenate(list(chunks())) for name, (_, _, chunks) in contents.items()}
    return read, checked.shared()


def refused(arrays, **changes):
    with pytest.raises(DataMissing) as error:
        read_all(arrays, **changes)
    line = str(error.value)
    assert line.startswith("mine: ")
    assert "\n" not in line
    return line.removeprefix("mine: ")


def one(values, classes=None):
    inputs = np.asarray(values, np.float32).reshape(len(values), -1)
    return inputs, np.arange(len(values)) % 2 if classes is None else np.asarray(classes)


def test_good_arrays_pass_in_the_types_that_are_kept():
    splits = good(test=(np.eye(5, 3), [0, 1, 0, 1, 0]))
    read, shared = read_all(Arrays(splits), input_shape=(3,), sizes=SIZES, shared_samples="x")
    assert {name: str(array.dtype) for name, array in read.items() if "test" in name} == {
        "test_inputs": "float32",
        "test_targets": "int64",
    }
    assert shared == {}


def test_booleans_are_spikes():
    spikes = {n: (RANDOM.random((s, 4, 50)) < 0.5, np.zeros(s, int)) for n, s in SIZES.items()}
    read, _ = read_all(Arrays(spikes), steps=4)
    assert str(read["train_inputs"].dtype) == "uint8"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"test": one([[0.1], [0.2]])}, "test has samples of (1,), not (3,)"),
        ({"test": (np.zeros((2, 3), np.float32), [0])}, "test has 2 inputs and 1 targets"),
        ({"test": (np.zeros((0, 3), np.float32), [])}, "test has 0 inputs and 0 targets"),
        (
            {"test": (RANDOM.random((2, 3)), [0, 2])},
            "test targets[1] is 2: a class has to be an integer from 0 to 1",
        ),
        (
            {"test": (RANDOM.random((2, 3)), [-1, 1])},
            "test targets[0] is -1: a class has to be an integer from 0 to 1",
        ),
        (
            {"test": (RANDOM.random((2, 3)), [0.0, 1.0])},
            "test has targets of float64 (2,), wanted integers, one each: `targets.astype(int)`",
        ),
        (
            {"test": (RANDOM.random((2, 3)), [[0, 1], [1, 0]])},
            "test has targets of int64 (2, 2), wanted integers, one each: `targets.argmax(1)`",
        ),
        (
            {"test": (RANDOM.random((2, 3)), ["cat", "dog"])},
            "test has targets of <U3 (2,), wanted integers, one each: "
            "`np.unique(targets, return_inverse=True)[1]`",
        ),
        (
            {"test": (np.zeros((2, 3), np.int64), [0, 1])},
            "test has inputs of int64, wanted uint8 or float32: `inputs.astype('float32')`",
        ),
        (
            {"test": one([[0, 0, 0], [0, np.nan, 0]])},
            "test inputs[1, 1] is nan: inputs divided by the scale (1) must lie in [0, 1]",
        ),
        ({"test": one([[0, 0, np.inf]])}, "test inputs[0, 2] is inf: inputs"),
        ({"test": one([[0, 0, -0.5]])}, "test inputs[0, 2] is -0.5: inputs"),
        ({"test": one([[0, 0, 255]])}, "test inputs[0, 2] is 255: inputs"),
    ],
)
def test_what_is_wrong_with_a_split(changes, line):
    assert refused(Arrays(good(**changes))).startswith(line)


def test_lists_are_split_as_arrays_are():
    inputs, targets = RANDOM.random((40, 3)), np.arange(40) % 2
    of_lists = split_at_random(inputs.tolist(), targets.tolist()).splits
    for name, (values, classes) in split_at_random(inputs, targets).splits.items():
        assert np.array_equal(of_lists[name][0], values)
        assert np.array_equal(of_lists[name][1], classes)


def test_a_bad_value_is_told_by_its_place_before_the_split():
    def split(inputs, targets):
        arrays = split_at_random(inputs, targets)
        numbers = {n: list(arrays.places[n]).index(17) for n in SIZES if 17 in arrays.places[n]}
        ((name, number),) = numbers.items()
        return arrays, f"(sample {number} of {name})"

    inputs, targets = RANDOM.random((40, 2, 3), np.float32), np.arange(40) % 2
    bad = inputs.copy()
    bad[17, 1, 2] = np.nan
    arrays, sample = split(bad, targets)
    assert refused(arrays).startswith(f"inputs[17, 1, 2] is nan {sample}: inputs divided by")
    bad = targets.copy()
    bad[17] = 9
    arrays, sample = split(inputs, bad)
    assert refused(arrays).startswith(f"targets[17] is 9 {sample}: a class has to be")


def test_what_is_wrong_with_all():
    assert refused({"train": 1}) == "read returned dict, not Arrays"
    assert refused(Arrays(good(), scale=0)) == "scale is 0, wanted a number above 0"
    two = {name: good()[name] for name in ("train", "test")}
    assert refused(Arrays(two)).startswith("the splits are train, test, wanted train, validation, ")
    assert refused(Arrays(good()), sizes={**SIZES, "test": 6}) == "test has 5 samples, not 6"
    assert refused(Arrays(good()), input_shape=(4,)) == "train has samples of (3,), not (4,)"
    assert refused(Arrays(good()), steps=5) == "train has 3 steps, not 5"


def test_samples_in_two_splits_are_an_error_unless_the_task_says_why():
    splits = good()
    splits["test"][0][2] = splits["train"][0][7]
    line = refused(Arrays(splits))
    assert line.startswith(
        "1 samples of test are in an earlier split too: remove them there, or say"
    )
    assert read_all(Arrays(splits), shared_samples="as published")[1] == {"test": 1}


def test_a_loader_is_read_in_parts_and_its_samples_are_checked():
    sample = RANDOM.random((20, 3), np.float32)
    calls = []

    def load(i):
        calls.append(i)
        return sample[i]

    splits = good(train=(Loader(20, (3,), "float32", load), np.arange(20) % 2))
    read, _ = read_all(Arrays(splits))
    assert np.array_equal(read["train_inputs"], sample)
    assert calls == list(range(20))


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "harness_tasks returned NoneType, wanted a list of TaskSpec"),
        ([], "harness_tasks returned list, wanted a list of TaskSpec"),
        (["mnist"], "harness_tasks returned a list with str, wanted TaskSpec"),
        ([TaskSpec("a b", "", 2, read=print)], "the name of a task is 'a b', wanted one without"),
        ([TaskSpec("a", "", 2)], "task a has no read"),
        ([TaskSpec("a", "", 0, read=print)], "task a: classes is 0, wanted their number"),
        ([TaskSpec("a", "", 2, read=print, files=["x"])], "task a: files is no mapping"),
        (
            [TaskSpec("a", "", 2, read=print, class_names=["cat"])],
            "task a: class_names has 1 names, wanted one for each of 2 classes",
        ),
        (
            [TaskSpec("a", "", 2, read=print, class_names=["cat", 3])],
            "task a: class_names is ['cat', 3], wanted a line of text for each class",
        ),
        (
            [TaskSpec("a", "", 2, read=print, class_names="ab")],
            "task a: class_names is str, wanted a list of texts",
        ),
        ([TaskSpec("a", "", 2, read=print, class_names=("cat", "dog"))], ""),
        ([TaskSpec("a", "", 2, read=print)] * 2, "harness_tasks returned two tasks of one name"),
        ([TaskSpec("a", "", 2, read=print)], ""),
    ],
)
def test_what_the_hook_returned_is_checked(returned, told):
    problem = spec_problem(returned)
    assert problem.startswith(told)
    assert bool(problem) == bool(told)
