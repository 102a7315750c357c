"""What is told apart: by everything that decides a result, and by nothing else."""

from __future__ import annotations

import dataclasses
import json

import pytest
from pydantic import ValidationError

from harness.plugin.contract import Neuron
from harness.subjects import Contender, LayerRow, LayerSize, PluginLocation, Row, Trial

CODE = {
    "plugin": "native-dfa",
    "framework": "native",
    "framework_version": "1.0",
    "digest": "abc",
    "device": "cpu",
    "threads": 1,
}
ROW = Row(**CODE, task="mnist", preset="best", params={"hidden": 64}, swept={"hidden": 64})
LAYER = LayerRow(
    **CODE,
    neuron=Neuron(0.9),
    size=LayerSize(neurons=512, steps=100, batch=16, density=0.1),
)

OTHER_CODE = {
    "plugin": "native-stdp",
    "framework": "norse",
    "framework_version": "1.1",
    "digest": "abd",
    "pinned": "1.1",
    "device": "cuda",
    "threads": 2,
}
OTHER_ROW = OTHER_CODE | {
    "task": "digits",
    "preset": "quick",
    "params": {"hidden": 65},
    "swept": {},
    "limit": 100,
    "data": "d1",
}
OTHER_LAYER = OTHER_CODE | {
    "neuron": dataclasses.replace(LAYER.neuron, detach=False),
    "size": LAYER.size.model_copy(update={"batch": 8}),
}

#: (a subject, how one field is changed), for every field of every subject.
CHANGES = [
    pytest.param(subject, {name: value}, id=f"{type(subject).__name__}.{name}")
    for subject, others in (
        (Contender(**CODE), OTHER_CODE),
        (ROW, OTHER_ROW),
        (LAYER, OTHER_LAYER),
    )
    for name, value in others.items()
]
UNASKED = {"framework", "framework_version", "digest", "params", "data"}


def changed(subject, change):
    """A subject with one field changed."""
    return type(subject)(**{**vars(subject), **change})


def test_every_field_of_every_subject_is_among_the_changes():
    for subject, others in (
        (Contender(**CODE), OTHER_CODE),
        (ROW, OTHER_ROW),
        (LAYER, OTHER_LAYER),
    ):
        assert type(subject).model_fields.keys() == others.keys()
        assert all(getattr(subject, name) != value for name, value in others.items())


@pytest.mark.parametrize(("subject", "change"), CHANGES)
def test_the_key_depends_on_every_field(subject, change):
    assert changed(subject, change).key != subject.key


@pytest.mark.parametrize(("subject", "change"), CHANGES)
def test_what_was_asked_for_is_the_same_whatever_the_code(subject, change):
    same = changed(subject, change).asked == subject.asked
    assert same is bool(UNASKED & change.keys())


@pytest.mark.parametrize("subject", [Contender(**CODE), ROW, LAYER, Trial(row=ROW, seed=3)])
def test_a_subject_read_back_has_the_same_key(subject):
    again = type(subject).model_validate_json(subject.model_dump_json())
    assert again == subject
    assert again.key == subject.key


def test_a_copy_with_changes_has_a_key_of_its_own():
    """Also where the key of the original was asked for before."""
    known = ROW.key
    assert ROW.model_copy(update={"digest": "other"}).key != known


def test_the_key_is_the_same_in_every_process_and_whatever_the_order():
    assert Contender(**CODE).key == "native-dfa-bf90cbca7a"
    turned = Contender(**dict(reversed(CODE.items())))
    assert turned.key == Contender(**CODE).key
    params = {"a": 1, "b": 2}
    one, other = (
        changed(ROW, {"params": given}) for given in (params, dict(reversed(params.items())))
    )
    assert one.key == other.key


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (0, False), ("1", 1), (0.1, "0.1")]
)
def test_values_of_different_types_are_different(one, other):
    keys = {changed(ROW, {"params": {"x": value}}).key for value in (one, other)}
    assert len(keys) == 2


def test_a_trial_is_a_row_and_a_seed():
    assert Trial(row=ROW, seed=3).key == f"{ROW.key}-seed3"
    other = changed(ROW, {"digest": "other"})
    assert len({Trial(row=row, seed=seed).key for row in (ROW, other) for seed in (0, 1)}) == 4


@pytest.mark.parametrize("subject", [ROW, LAYER])
def test_a_key_is_a_files_name(subject):
    assert not set(subject.key) & set(" /\\:*?")


def test_subjects_do_not_change_and_have_no_other_fields():
    with pytest.raises(ValidationError):
        ROW.device = "cuda"
    with pytest.raises(ValidationError):
        Row(**vars(ROW), label="native-dfa hidden=64")


def test_a_location_is_only_where_the_code_lies():
    assert PluginLocation("p", "m") != PluginLocation("p", file="m")
    assert json.loads(ROW.model_dump_json()).keys() == OTHER_ROW.keys()
