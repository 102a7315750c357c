from __future__ import annotations

import pytest

from harness.coordinator import doctor
from harness.coordinator.doctor import LOUD, NullGroup, examine, judge, null_group
from harness.coordinator.pool import Workers
from harness.results.comparison import Ratio


def found(findings):
    return {finding.name: finding for finding in findings}


def test_a_quiet_machine_is_fit(monkeypatch):
    monkeypatch.setattr(doctor, "cores", lambda: 8)
    monkeypatch.setattr(doctor.psutil, "getloadavg", lambda: (0.2, 0, 0))
    assert all(finding.fit for finding in examine(1) if finding.name in ("load", "cores"))
    quiet = judge(NullGroup(Ratio(1.0, 0.99, 1.01, 0.5), 0.01, 0.02, 20))
    assert all(finding.fit for finding in quiet)
    assert found(quiet)["A/A ratio"].value == "1.000 [0.990, 1.010] in 20 rounds"


def test_a_busy_or_loud_machine_is_not_and_the_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(doctor, "cores", lambda: 2)
    monkeypatch.setattr(doctor.psutil, "getloadavg", lambda: (1.5, 0, 0))
    seen = found(examine(2))
    assert (seen["load"].fit, seen["cores"].fit) == (False, False)
    assert "wait until it is done" in seen["load"].advice
    assert "fewer --threads" in seen["cores"].advice
    loud = found(judge(NullGroup(Ratio(1.1, None, None, 0.5), 2 * LOUD, float("inf"), 6)))
    assert not loud["noise floor"].fit
    assert "[?, ?]" in loud["A/A ratio"].value


@pytest.mark.parametrize(
    ("governors", "fit"),
    [([], True), (["performance"], True), (["performance", "powersave"], False)],
)
def test_a_clock_that_follows_the_load_is_told(tmp_path, governors, fit):
    for number, governor in enumerate(governors):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    assert doctor._governor(tmp_path).fit == fit


def test_the_null_group_is_measured_in_several_processes():
    pytest.importorskip("torch")
    group = null_group("cpu", 1, 6, 0.01, Workers())
    assert group.rounds == 6
    assert 0.2 < group.ratio.value < 5
    assert group.ratio.low <= group.ratio.value <= group.ratio.high
    assert group.floor >= 0.01
