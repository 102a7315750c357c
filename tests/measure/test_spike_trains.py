"""Distances of spike trains against sums written out, and against the best matching there is."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st

from harness.measure.spike_trains import spike_times, timing_errors, van_rossum_loss

STEPS = 40


def train(*neurons, steps=STEPS):
    """Spikes [T, n] at the given steps of each neuron."""
    spikes = torch.zeros(steps, len(neurons))
    for neuron, times in enumerate(neurons):
        spikes[list(times), neuron] = 1
    return spikes


def distance(sent, wanted, step_ms, tail=1000):
    """The squared distance of two lists of steps, kernel after kernel."""
    total = 0.0
    for t in range(STEPS + tail):
        value = 0.0
        for times, sign in ((sent, 1), (wanted, -1)):
            for step in times:
                if step <= t:
                    ms = (t - step) * step_ms
                    value += sign * (math.exp(-ms / 10) - math.exp(-ms / 5))
        total += value**2
    return total


@pytest.mark.parametrize("step_ms", [1.0, 0.5])
@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ([[3, 20]], [[3, 21]]),
        ([[], [5, 6, 7]], [[1, 39], [30]]),
        ([[39], [0]], [[38], [0, 10]]),
    ],
)
def test_the_loss_is_the_distance_as_a_fraction_of_the_silent_neurons(sent, wanted, step_ms):
    errors = sum(distance(a, b, step_ms) for a, b in zip(sent, wanted))
    silent = sum(distance([], b, step_ms) for b in wanted)
    found = van_rossum_loss(train(*sent), train(*wanted), step_ms)
    assert found == pytest.approx(errors / silent, rel=1e-6)


def test_equal_trains_have_no_loss_and_silence_has_1():
    wanted = train([3, 39], [12])
    assert van_rossum_loss(wanted, wanted, 1.0) == 0
    assert van_rossum_loss(torch.zeros_like(wanted), wanted, 1.0) == 1


def test_a_spike_counts_as_much_at_the_end_as_at_the_start():
    early = van_rossum_loss(train([1]), train([0]), 1.0)
    late = van_rossum_loss(train([STEPS - 1]), train([STEPS - 2]), 1.0)
    assert 0 < early < 0.1
    assert late == pytest.approx(early, rel=1e-3)


@pytest.mark.parametrize(
    ("sent", "wanted", "step_ms", "met", "extra"),
    [
        ([10], [10], 1.0, 1.0, 0),
        ([12], [10], 1.0, 1.0, 0),  # the tolerance is inclusive
        ([13], [10], 1.0, 0.0, 1),
        ([8], [10], 1.0, 1.0, 0),
        ([14], [10], 0.5, 1.0, 0),  # it is in ms, not in steps
        ([11], [10], 3.0, 0.0, 1),
        ([10], [9, 11], 1.0, 0.5, 0),  # a spike meets one target only
        ([9, 11], [10], 1.0, 1.0, 1),  # and a target one spike
        ([9, 12], [10, 11], 1.0, 1.0, 0),
        ([], [10, 20], 1.0, 0.0, 0),
    ],
)
def test_spikes_are_on_time_within_2_ms_and_the_others_extra(sent, wanted, step_ms, met, extra):
    assert timing_errors(train(sent), train(wanted), step_ms) == (met, extra)


def most_matches(sent, wanted, reach):
    """The most pairs within reach, each spike in one: tries them all."""
    if not wanted:
        return 0
    first, *rest = wanted
    best = most_matches(sent, rest, reach)
    for spike in sent:
        if abs(spike - first) <= reach:
            left = [s for s in sent if s != spike]
            best = max(best, 1 + most_matches(left, rest, reach))
    return best


@given(
    st.lists(st.integers(0, 14), unique=True, max_size=6),
    st.lists(st.integers(0, 14), unique=True, min_size=1, max_size=6),
)
def test_as_many_spikes_are_met_as_can_be(sent, wanted):
    met, extra = timing_errors(train(sent), train(wanted), 1.0)
    best = most_matches(sent, wanted, 2)
    assert met == best / len(wanted)
    assert extra == len(sent) - best


def test_neurons_are_counted_apart_and_added_up():
    sent, wanted = train([10], [20, 30]), train([20], [20])
    assert timing_errors(sent, wanted, 1.0) == (0.5, 2)


def test_spike_times_are_the_steps_by_neuron():
    assert spike_times(train([3, 1], [], [39])) == [[1, 3], [], [39]]
