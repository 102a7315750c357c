from __future__ import annotations

from harness.protocol.events import DeclaredMetric
from harness.results.session import Session, changes

BEFORE = Session(
    host={"version": "0.2.0", "digest": "aaaaaaaaaa"},
    plugins={"a": {"version": "1.0", "digest": "bbbb"}, "b": {"digest": "cccc"}},
    data={"train": "dddd"},
)


def test_the_same_code_on_another_day_is_no_change():
    now = BEFORE.model_copy(update={"started": "later", "load_average": 2.0})
    assert changes(BEFORE, now) == []


def test_a_description_is_no_code():
    plugins = {name: {**facts, "description": "x"} for name, facts in BEFORE.plugins.items()}
    assert changes(BEFORE, BEFORE.model_copy(update={"plugins": plugins})) == []


def test_what_a_result_depends_on_is_told():
    now = Session(
        host={"version": "0.3.0", "digest": "eeee"},
        plugins={"a": {"version": "1.1", "digest": "ffff"}},
        data={"train": "gggg"},
    )
    assert changes(BEFORE, now) == [
        "the host (0.2.0 aaaaaaaa, now 0.3.0 eeee)",
        "plugin a (1.0 bbbb, now 1.1 ffff)",
        "plugin b (no longer found)",
        "the task's data",
    ]


def test_another_torch_is_told():
    before, now = (
        BEFORE.model_copy(update={"host": {**BEFORE.host, "torch": torch}})
        for torch in ("2.14.0", "2.15.0")
    )
    assert changes(before, now) == [
        "the host (0.2.0 aaaaaaaa torch 2.14.0, now 0.2.0 aaaaaaaa torch 2.15.0)"
    ]


def test_a_file_that_a_parameter_names_is_told():
    before = BEFORE.model_copy(update={"files": {"net.py": "a" * 64, "gone.py": "b" * 64}})
    now = before.model_copy(update={"files": {"net.py": "c" * 64, "new.py": "d" * 64}})
    assert changes(before, now) == [
        "net.py (aaaaaaaa, now cccccccc)", "gone.py (not found: carry on from the folder that holds it)",
    ]  # fmt: skip


def test_metrics_of_other_code_are_told_once_the_data_are_known():
    fields = {"title": "A", "unit": "number", "better": "less", "meaning": "x", "source": "mine"}
    own = DeclaredMetric(name="own", **fields)
    before = BEFORE.model_copy(update={"metrics": (own,)})
    now = before.model_copy(update={"metrics": (own.model_copy(update={"digest": "ab"}),)})
    assert changes(before, now) == ["the metrics by hook (own)"]
    assert changes(before, now.model_copy(update={"data": {}})) == []
