"""Patterns of input and target spikes: one for each seed of a trial."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from harness.tasks.prepare import prepare_task
from harness.tasks.spike_train import SPIKE_PATTERN, SPIKE_TRAIN

SPECS = pytest.mark.parametrize("spec", [SPIKE_TRAIN, SPIKE_PATTERN], ids=lambda spec: spec.name)


def patterns(spec):
    return spec.locate([], None, print).read().splits["patterns"]


@SPECS
def test_shapes_and_types_are_as_described(spec):
    inputs, targets = patterns(spec)
    assert inputs.shape == (64, 500, 100) == (spec.sizes["patterns"], *spec.sample_shape)
    assert targets.shape == (64, 500, spec.classes)
    assert spec.classes == {"spike-train": 1, "spike-pattern": 10}[spec.name]
    assert inputs.dtype == targets.dtype == np.uint8
    assert inputs.max() == targets.max() == 1
    assert spec.kind == "spike-train"


@SPECS
def test_the_patterns_are_fixed(spec):
    """A digest of all that is in it: who changes it must raise SPLIT_VERSION."""
    inputs, targets = patterns(spec)
    digest = hashlib.sha256(inputs.tobytes() + targets.tobytes()).hexdigest()
    assert (
        digest[:16]
        == {"spike-train": "49d17e87faf3a6a7", "spike-pattern": "9cff722208d85b34"}[spec.name]
    )


@SPECS
def test_inputs_spike_at_10_hz_and_every_pattern_is_another(spec):
    inputs, _ = patterns(spec)
    assert inputs.mean() == pytest.approx(10 / 1000, rel=0.01)
    assert len({pattern.tobytes() for pattern in inputs}) == 64
    counts = inputs.sum(1).astype(float)  # Poisson: the variance is the mean
    assert counts.var() == pytest.approx(counts.mean(), rel=0.05)


@SPECS
def test_targets_are_five_equidistant_spikes(spec):
    _, targets = patterns(spec)
    assert (targets.sum(1) == 5).all()
    for pattern in targets[:8]:
        for neuron in pattern.T:
            assert (np.diff(neuron.nonzero()[0]) == 100).all()


def test_one_neuron_spikes_in_the_middles():
    _, targets = patterns(SPIKE_TRAIN)
    assert (targets[:, [50, 150, 250, 350, 450]] == 1).all()


def test_several_neurons_spike_at_times_of_their_own():
    _, targets = patterns(SPIKE_PATTERN)
    first = targets.argmax(1)  # [patterns, neurons]
    assert first.min() == 25
    assert first.max() == 75
    assert min(len(set(row)) for row in first.tolist()) > 4


@SPECS
def test_the_seed_of_a_trial_says_which_pattern_it_has(spec, tmp_path):
    torch = pytest.importorskip("torch")
    from harness.worker.data import load

    path, facts, _ = prepare_task(spec, [], tmp_path, print)
    assert facts["source"].startswith("generated")
    inputs, targets = patterns(spec)
    for seed, pattern in ((0, 0), (5, 5), (64 + 3, 3)):
        data = load(spec.name, str(path), torch.device("cpu"), seed)
        assert (data.task.steps, data.task.classes, data.task.train_size) == (500, spec.classes, 1)
        for split in (data.train, data.validation, data.test):
            found, wanted = split.take(slice(0, 1))
            assert found.dtype == wanted.dtype == torch.float32
            assert np.array_equal(found[0], inputs[pattern])
            assert wanted.shape == (500, 1, spec.classes)
            assert np.array_equal(wanted[:, 0], targets[pattern])
