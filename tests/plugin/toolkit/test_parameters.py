"""Shared parameters with other defaults."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("torch")

from harness.plugin.toolkit.parameters import TRAINING, with_defaults


def test_other_defaults_change_nothing_else():
    changed = with_defaults(TRAINING, lr=0.5, epochs=2)
    assert list(changed) == list(TRAINING)
    assert changed["schedule"] is TRAINING["schedule"]
    assert changed["lr"] == dataclasses.replace(TRAINING["lr"], default=0.5)
    assert (changed["epochs"].default, TRAINING["epochs"].default) == (2, 3)


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError, match="momentum"):
        with_defaults(TRAINING, momentum=0.9)
