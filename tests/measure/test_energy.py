"""The measured energy on counters made of files and of a fake driver."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")

from harness.measure import energy
from harness.measure.energy import NotMeasurable, Nvml, Rapl, find_counter, measure


def zone(folder, index, name, energy, top=1_000_000):
    path = folder / f"intel-rapl:{index}"
    path.mkdir()
    for file, value in (("name", name), ("energy_uj", energy), ("max_energy_range_uj", top)):
        (path / file).write_text(f"{value}\n")
    return path / "energy_uj"


@pytest.fixture
def powercap(tmp_path):
    """Two packages; a core, which is part of one; memory; and a platform, which contains all."""
    (tmp_path / "intel-rapl").mkdir()
    return [
        zone(tmp_path, "0", "package-0", 100),
        zone(tmp_path, "0:0", "core", 50),
        zone(tmp_path, "0:1", "dram", 10, top=5000),
        zone(tmp_path, "1", "package-1", 999_000),
        zone(tmp_path, "2", "psys", 7),
    ]


def test_packages_and_memory_are_added_up_and_nothing_twice(tmp_path, powercap):
    counter = Rapl(tmp_path)
    assert counter.name == "RAPL package-0, dram, package-1"
    before = counter.read()
    assert before == [100, 10, 999_000]
    for file, value in zip(powercap, (2_100, 99_999, 3_010, 999_500, 99_999)):
        file.write_text(str(value))
    assert counter.joules(before, counter.read()) == pytest.approx((2000 + 3000 + 500) / 1e6)


def test_a_counter_that_began_again_has_gone_once_around(tmp_path, powercap):
    counter = Rapl(tmp_path)
    before = counter.read()
    powercap[3].write_text("250")
    powercap[2].write_text("4")
    used = (1_000_000 - 999_000 + 250) + (5000 - 10 + 4)
    assert counter.joules(before, counter.read()) == pytest.approx(used / 1e6)


def test_where_there_is_no_counter_the_reason_is_told(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotMeasurable, match="no RAPL counter can be read here: none in"):
            Rapl(folder)


def test_a_counter_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    """As root, files of any mode can be read: so one that cannot is a folder."""
    file = zone(tmp_path, "0", "package-0", 1)
    file.unlink()
    file.mkdir()
    with pytest.raises(NotMeasurable, match=r"no RAPL counter can be read here: .*energy_uj"):
        Rapl(tmp_path)


class Driver:
    """A stand-in of pynvml with one GPU."""

    class NVMLError(Exception):
        pass

    def __init__(self, millijoules=(), supported=True):
        self._values = iter(millijoules)
        self._supported = supported

    def nvmlInit(self):  # noqa: N802 (the driver's own names)
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        if uuid != "GPU-one":
            raise self.NVMLError("Not Found")
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        assert handle == "GPU-one"
        if not self._supported:
            raise self.NVMLError("Not Supported")
        return next(self._values)


def test_a_gpus_counter_is_in_millijoules():
    counter = Nvml("GPU-one", Driver([1, 5_000, 7_500]))
    before = counter.read()
    assert counter.joules(before, counter.read()) == 2.5


@pytest.mark.parametrize(
    ("uuid", "driver", "reason"),
    [("GPU-two", Driver([1]), "Not Found"), ("GPU-one", Driver(supported=False), "Not Supported")],
)
def test_a_gpu_without_a_counter_is_told(uuid, driver, reason):
    with pytest.raises(NotMeasurable, match=f"no NVML counter can be read here: {reason}"):
        Nvml(uuid, driver)


def test_a_counter_that_fails_later_is_told_too(tmp_path, powercap):
    driver = Driver([1])
    counter = Nvml("GPU-one", driver)
    driver._supported = False
    with pytest.raises(NotMeasurable, match="Not Supported"):
        counter.read()
    counter = Rapl(tmp_path)
    powercap[0].unlink()
    with pytest.raises(NotMeasurable, match="energy_uj"):
        counter.read()


def test_on_the_cpu_the_processors_counter_is_taken(tmp_path, powercap, monkeypatch):
    monkeypatch.setattr(energy.Rapl.__init__, "__defaults__", (tmp_path,))
    assert find_counter(torch.device("cpu")).name.startswith("RAPL")


class Machine:
    """A clock and a counter: idle takes `idle` watts, give or take, and a call `busy` for a while."""

    name = "fake"

    def __init__(self, monkeypatch, idle=(10.0,), busy=30.0, call_seconds=0.05, update=0.02):
        self.now, self._joules = 0.0, 0.0
        self._idle, self._watts = itertools.cycle(idle), None
        self._busy, self._call_seconds, self._update = busy, call_seconds, update
        monkeypatch.setattr(energy, "perf_counter", lambda: self.now)
        monkeypatch.setattr(energy, "sleep", self.sleep)

    def sleep(self, seconds):
        if seconds > self._update or self._watts is None:  # idle, not polling
            self._watts = next(self._idle)
        self._pass(seconds, self._watts)

    def call(self):
        self._pass(self._call_seconds, self._busy)
        return 8

    def _pass(self, seconds, watts):
        self.now += seconds
        self._joules += seconds * watts

    def read(self):
        """What it showed at its last update, in microjoules."""
        if int(self.now / self._update) != getattr(self, "_seen", None):
            self._seen = int(self.now / self._update)
            self._shown = int(self._joules * 1e6)
        return [self._shown]

    def joules(self, before, after):
        return (after[0] - before[0]) / 1e6


def test_what_the_loop_took_above_idle_by_sample(monkeypatch):
    machine = Machine(monkeypatch, idle=(10.0, 10.2, 9.8, 10.0))
    reading = measure(machine.call, machine, 2.0)
    # Calls of 8 samples take 0.05 s each, at 20 W above idle.
    assert reading.samples in (40 * 8, 41 * 8)
    assert reading.joules == pytest.approx(0.05 * 20 / 8, rel=0.02)
    assert reading.idle_watts == pytest.approx(10, rel=0.01)
    assert 0.2 < reading.idle_spread_watts < 0.6
    assert reading.counter == "fake"
    assert 2.0 <= reading.loop_seconds < 2.1


def test_a_counter_of_few_updates_tells_the_same(monkeypatch):
    machine = Machine(monkeypatch, update=0.1, call_seconds=0.007)
    reading = measure(machine.call, machine, 2.0)
    assert reading.joules == pytest.approx(0.007 * 20 / 8, rel=0.02)


def test_a_loop_that_is_lost_in_idles_noise_has_no_energy(monkeypatch):
    machine = Machine(monkeypatch, idle=(10.0, 14.0), busy=13.0)
    with pytest.raises(NotMeasurable, match=r"the loop's 13 W are not above idle's 12 W"):
        measure(machine.call, machine, 2.0)


def test_a_counter_that_stands_still_is_told(monkeypatch):
    machine = Machine(monkeypatch)
    machine.read = lambda: [1]
    with pytest.raises(NotMeasurable, match="stands still"):
        measure(machine.call, machine, 2.0)
