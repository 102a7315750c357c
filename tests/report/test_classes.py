from __future__ import annotations

import pytest

from harness.report.classes import class_name, class_names, without_samples
from harness.report.sections import gather

from .synthetic_run import description, record, session


def test_a_sentence_for_each_split_names_the_classes():
    train, test = without_samples({"classes_without_samples": {"train": [3], "test": [3, 7]}})
    assert train.startswith("No training sample is of class 3, which no network can learn then. ")
    assert test.startswith("No test sample is of classes 3, 7, which no accuracy measures then. ")

    named = {"classes_without_samples": {"test": [1, 9]}, "class_names": ["cat", "dog"]}
    assert "of classes 1 (dog), 9, which" in next(without_samples(named))


def test_a_class_without_a_name_has_its_number():
    names = class_names({"class_names": ["cat", "a\x1bb"]})
    assert [class_name(n, names) for n in range(3)] == ["cat", r"a\x1bb", "Class 2"]
    assert class_names({"class_names": "cat"}) == class_names({}) == []


@pytest.mark.parametrize("told", [None, [], "x", {"train": []}, {"train": 3}, {"other": [1]}])
def test_a_description_without_it_or_with_nonsense_says_nothing(told):
    assert list(without_samples({"classes_without_samples": told})) == []


def test_it_is_a_warning_of_the_task():
    own = session(data={"digest": "x", "classes_without_samples": {"test": [3]}})
    (section,) = gather(description(own), [record("a")]).sections
    assert any("No test sample is of class 3" in told for told in section.said["warnings"])
