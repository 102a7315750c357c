"""What the presets that follow a paper or an experiment say of themselves."""

from __future__ import annotations

import importlib

import pytest

pytest.importorskip("torch")

MODULES = [
    "harness_native.ann_relu",
    "harness_native.bptt",
    "harness_native.relu_spike",
    "harness_native.stdp",
    "harness_native.superspike",
    "harness_snntorch.bptt",
    "harness_snntorch.conversion",
    "harness_spikingjelly.bptt",
    "harness_spikingjelly.conversion",
    "harness_spikingjelly.stdp",
    "harness_spikingjelly.supervised",
]


@pytest.fixture(params=MODULES)
def presets(request):
    pytest.importorskip(request.param.partition(".")[0])
    try:
        module = importlib.import_module(request.param)
    except ImportError as missing:
        pytest.skip(str(missing))
    return module.harness_presets()


def test_a_preset_is_named_after_its_source_and_says_what_it_does_otherwise(presets):
    assert {name for name in presets.values if "source" in name} == set(presets.sources)
    for name, source in presets.sources.items():
        assert name.startswith("near-source" if source.departures else "source"), name


def test_a_figure_is_that_of_a_setting_that_can_be_run(presets):
    for name, source in presets.sources.items():
        for task, figures in source.reported.items():
            for reported in figures:
                params = presets.resolve(name, task, reported.params)
                assert presets.reported_for(name, task, params) is reported


def test_the_experiments_were_trained_on_all_images(presets):
    for name, source in presets.sources.items():
        if not source.departures and presets.offers(name, "mnist"):
            assert presets.resolve(name, "mnist", {})["train_on_validation"] is True
