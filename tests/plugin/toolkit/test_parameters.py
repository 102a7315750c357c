"""Shared parameters with other defaults."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("torch")

from harness.errors import UsageError
from harness.plugin.toolkit.parameters import TRAINING, only_where, with_defaults


def test_other_defaults_change_nothing_else():
    changed = with_defaults(TRAINING, lr=0.5, epochs=2)
    assert list(changed) == list(TRAINING)
    assert changed["schedule"] is TRAINING["schedule"]
    assert changed["lr"] == dataclasses.replace(TRAINING["lr"], default=0.5)
    assert (changed["epochs"].default, TRAINING["epochs"].default) == (2, 3)


def test_an_unknown_name_is_an_error_with_the_nearest():
    with pytest.raises(UsageError, match="unknown parameter 'epoch': did you mean 'epochs'"):
        with_defaults(TRAINING, epoch=9)


def test_conditions_are_added_to_those_that_were_there():
    once = only_where({"lr": TRAINING["lr"]}, network=("conv",))
    twice = only_where(once, model=("",))["lr"]
    assert twice.where == {"network": ("conv",), "model": ("",)}
    assert dataclasses.replace(twice, where={}) == TRAINING["lr"]
