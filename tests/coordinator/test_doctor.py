from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.coordinator import doctor
from harness.coordinator.doctor import (
    LOUD,
    ROWS,
    NullGroup,
    examine,
    examine_card,
    judge,
    null_group,
)
from harness.coordinator.listener import Listener
from harness.coordinator.processes.pool import Workers
from harness.errors import UsageError
from harness.protocol.events import Failed
from harness.protocol.requests import OpenProbe
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


@pytest.mark.parametrize(("left", "fit"), [(None, True), (0, False), (2**40, True)])
def test_memory_is_what_the_container_leaves_though_that_is_nothing(monkeypatch, left, fit):
    free = SimpleNamespace(available=2**33)
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(doctor.cgroup, "free_bytes", lambda: left)
    memory = found(examine(1))["memory"]
    assert memory.fit == fit
    assert memory.value == ("8.0 GiB free" if fit else "0.0 GiB free")


@pytest.mark.parametrize(
    ("governors", "fit"),
    [([], True), (["performance"], True), (["performance", "powersave"], False)],
)
def test_a_clock_that_follows_the_load_is_told(tmp_path, governors, fit, monkeypatch):
    for number, governor in enumerate(governors):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    monkeypatch.setattr(doctor, "Path", lambda _: tmp_path)
    assert found(examine(1))["frequency"].fit == fit


def test_the_null_group_is_one_piece_of_work_as_several_rows(fake_workers):
    workers = fake_workers()
    group = null_group("cpu", 1, 6, 0.01, workers, Listener())
    assert group.ratio.value == pytest.approx(1)
    assert group.rounds == 6
    assert len({(worker.log, worker.process) for worker in workers.started}) == 2 * ROWS
    opened = {request for _, request in workers.asked if isinstance(request, OpenProbe)}
    assert opened == {OpenProbe(device="cpu", threads=1)}


def test_a_probe_that_fails_is_a_usage_error_with_the_last_line_of_its_log(fake_workers):
    def answer(worker, request):
        if isinstance(request, OpenProbe):
            worker.log.write_text("Traceback\nNo module named 'torch'\n\n")
            return Failed(status="failed", reason="it does not open")
        return None

    with pytest.raises(UsageError, match="it does not open: No module named 'torch'"):
        null_group("cpu", 1, 6, 0.01, fake_workers(answer), Listener())


def test_a_probe_that_fails_without_a_word_is_a_usage_error_too(fake_workers):
    def answer(worker, request):
        if isinstance(request, OpenProbe):
            return Failed(status="crashed", reason="it does not open")
        return None

    with pytest.raises(UsageError, match="it does not open"):
        null_group("cpu", 1, 6, 0.01, fake_workers(answer), Listener())


def test_the_null_group_is_measured_in_several_processes(processes):
    pytest.importorskip("torch")
    with Workers() as workers:
        group = null_group("cpu", 1, 6, 0.01, workers, Listener())
    assert group.rounds == 6
    assert 0.2 < group.ratio.value < 5
    assert group.ratio.low <= group.ratio.value <= group.ratio.high
    assert group.floor >= 0.01
    assert processes() == []


def test_a_card_that_is_slowed_or_shared_is_not_fit():
    gib = 2**30
    state = {
        "name": "a card", "driver": "600", "sm_clock_mhz": 900, "max_sm_clock_mhz": 1800,
        "throttled_by": ["power cap"], "temperature_c": 80, "power_limit_w": 250.0,
        "memory_bytes": 8 * gib, "free_bytes": 2 * gib,
    }  # fmt: skip
    seen = found(examine_card(state))
    assert seen["card"].value == "a card, driver 600"
    assert seen["card clock"].value == "900 MHz of 1800"
    assert (seen["throttled by"].value, seen["throttled by"].fit) == ("power cap", False)
    assert (seen["card memory"].value, seen["card memory"].fit) == ("2.0 of 8.0 GiB free", False)
    assert seen["temperature"].value == "80 °C"
    fine = examine_card(state | {"throttled_by": [], "free_bytes": 7.5 * gib})
    assert all(finding.fit for finding in fine)


def test_a_card_that_nothing_is_known_of_is_said_to_be_unknown():
    (finding,) = examine_card({})
    assert finding.value == "unknown: the driver does not tell (NVML)"
