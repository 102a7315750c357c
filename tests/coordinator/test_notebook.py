"""The line that a notebook shows while a run is at work."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from harness.coordinator.listener import Listener
from harness.coordinator.notebook import Bar, default_listener
from harness.protocol.events import Progress


@pytest.fixture
def shown():
    return []


@pytest.fixture
def bar(shown):
    return Bar(lambda text: text, SimpleNamespace(update=shown.append))


def test_trials_are_counted(bar, shown):
    bar.planned(["a", "b"], 0, "digits (quick)")
    bar.recorded("a", SimpleNamespace(kind="trial", status="ok"))
    assert shown[-1] == "<progress value=1 max=2></progress> 1 of 2: a: ok"


def test_what_goes_on_is_no_markup(bar, shown):
    bar.doing("<b> & c")
    assert "&lt;b&gt; &amp; c" in shown[-1]


def test_stages_do_not_flood_the_browser(bar, shown):
    for _ in range(1000):
        bar.progress("a", Progress(stage="epoch 1/2"))
    assert 1 <= len(shown) < 1000


def test_the_group_counts_its_steps(bar, shown):
    bar.measuring(3, 9, "latency of a")
    assert "3 of 9" in shown[-1]


def test_without_a_notebook_nothing_is_shown(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert type(default_listener()) is Listener
