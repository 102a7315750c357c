from __future__ import annotations

import pytest

from harness.plugin import Parameter, Presets, Reported, Source

FIGURES = [Reported(0.9, "table 1"), Reported(0.8, "table 2", {"hidden": 32})]
SOURCE = Source("Spikes", "Doe", 2020, "https://doi.org/1", reported={"mnist": FIGURES})


@pytest.fixture
def presets():
    parameters = {"hidden": Parameter(64, "units"), "rate": Parameter(0.1, "rate")}
    return Presets(parameters, {"source": {"*": {"rate": 0.5}}}, {"source": SOURCE})


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"hidden": 64, "rate": 0.5}, FIGURES[0]),
        ({"hidden": 32, "rate": 0.5}, FIGURES[1]),
        ({"hidden": 16, "rate": 0.5}, None),
        ({"hidden": 32, "rate": 0.1}, None),
    ],
)
def test_a_figure_stands_for_its_own_setting_alone(presets, params, found):
    assert presets.reported_for("source", "mnist", params) is found
    assert presets.reported_for("source", "digits", params) is None
    assert presets.reported_for("quick", "mnist", params) is None


def test_a_source_is_cited_in_one_line():
    assert SOURCE.citation == 'Doe 2020, "Spikes", https://doi.org/1'
    assert Source("Spikes", "Doe", 2020).citation == 'Doe 2020, "Spikes"'
    assert Source("Spikes", "a notebook").citation == 'a notebook, "Spikes"'


@pytest.mark.parametrize("percent", [93.78, -0.1, float("nan")])
def test_a_reported_accuracy_is_a_fraction(percent):
    with pytest.raises(ValueError, match="is not in"):
        Reported(percent, "table 1")
