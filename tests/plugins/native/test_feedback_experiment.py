"""The presets that repeat the experiment of random feedback, and the figures that it reports for them."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("harness_native.dfa")

from harness_native import dfa, eligibility

pytestmark = pytest.mark.native

PRESETS = [
    (rule.harness_presets(), preset)
    for rule in (dfa, eligibility)
    for preset in rule.harness_presets().sources
]
IDS = [f"{preset}-of-{len(presets.values)}" for presets, preset in PRESETS]


@pytest.mark.parametrize(("presets", "preset"), PRESETS, ids=IDS)
def test_figures_are_of_settings_that_can_be_run(presets, preset):
    source = presets.sources[preset]
    assert not source.departures
    for reported in source.reported["mnist"]:
        params = presets.resolve(preset, "mnist", reported.params)
        assert presets.reported_for(preset, "mnist", params) is reported
        assert presets.reported_for(preset, "mnist", {**params, "lr": 0.1234}) is None


@pytest.mark.parametrize(("presets", "preset"), PRESETS, ids=IDS)
def test_every_setting_has_a_threshold_for_each_layer_and_all_training_images(presets, preset):
    params = presets.resolve(preset, "mnist", {})
    assert params["thresholds"].count("-") == params["hidden"].count("-") + 1
    assert params["train_on_validation"] is True
    assert params["output"] == "spikes"


@pytest.mark.parametrize("rule", [dfa, eligibility])
def test_each_preset_named_source_is_cited(rule):
    presets = rule.harness_presets()
    assert {name for name in presets.values if name.startswith("source")} == set(presets.sources)


def test_one_command_has_every_row_of_the_tables():
    presets = dfa.harness_presets()
    figures = {
        (preset, hidden): presets.reported_for(
            preset, "mnist", presets.resolve(preset, "mnist", {"hidden": hidden})
        )
        for preset in presets.sources
        for hidden in (32, 64, 128, 256)
    }
    assert len(figures) == 28
    assert max(figures, key=lambda row: figures[row].accuracy) == ("source", 256)
    assert figures["source", 256].accuracy == pytest.approx(0.9378)
    assert min(reported.accuracy for reported in figures.values()) == pytest.approx(0.1257)
