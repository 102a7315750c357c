from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.plugin import Parameter, Presets, Task, Unsupported

COUNT = Parameter(64, "units", low=1, high=1024)
RATE = Parameter(0.5, "learning rate", low=0, high=1)
FLAG = Parameter(False, "whether")
WORD = Parameter("zero", "how", choices=("zero", "subtract"))


@pytest.mark.parametrize(
    ("parameter", "given_", "wanted"),
    [
        (COUNT, "32", 32),
        (COUNT, 32.0, 32),
        (COUNT, "1e2", 100),
        (COUNT, 1, 1),
        (COUNT, 1024, 1024),
        (RATE, "0.25", 0.25),
        (RATE, 1, 1.0),
        (FLAG, "true", True),
        (FLAG, "No", False),
        (FLAG, True, True),
        (FLAG, 0, False),
        (WORD, "subtract", "subtract"),
        (Parameter("", "any text"), 5, "5"),
    ],
)
def test_a_value_takes_the_type_of_the_default(parameter, given_, wanted):
    found = parameter.check("p", given_)
    assert found == wanted
    assert type(found) is type(wanted)


def test_what_has_no_effect_beside_other_values_is_unused():
    network = Parameter("dense", "which", choices=("dense", "conv"))
    where = {"network": ("conv",), "model": ("",), "of another plugin": (1,)}
    channels = Parameter(3, "of conv", where=where)
    model = Parameter("", "a file", file=True)
    presets = Presets({"network": network, "channels": channels, "model": model})

    def unused(**given):
        return presets.unused(presets.resolve("quick", "any", given))

    assert unused() == unused(channels=5) == ("channels",)
    assert unused(network="conv") == ()
    assert unused(network="conv", model="net.py:make") == ("channels",)


@pytest.mark.parametrize(
    ("parameter", "given_", "reason"),
    [
        (COUNT, "many", "'many' is not an integer"),
        (COUNT, "1.5", "'1.5' is not an integer"),
        (COUNT, math.inf, "inf is not an integer"),
        (COUNT, math.nan, "nan is not an integer"),
        (COUNT, True, "True is not an integer"),
        (COUNT, None, "None is not an integer"),
        (COUNT, 0, "0 is below its bound 1"),
        (COUNT, 1025, "1025 is above its bound 1024"),
        (RATE, "fast", "'fast' is not a number"),
        (RATE, "nan", "nan is not a finite number"),
        (RATE, "-inf", "-inf is not a finite number"),
        (RATE, -0.1, "-0.1 is below its bound 0"),
        (RATE, "1.1", "1.1 is above its bound 1"),
        (Parameter(1, ""), 10**24, "1e+24 is too large a number"),
        (Parameter(1, ""), -(2**63), "-9.22337e+18 is too large a number"),
        (Parameter(1.0, ""), "1e101", "1e+101 is too large a number"),
        (FLAG, "maybe", "'maybe' is not true or false"),
        (FLAG, 2, "2 is not true or false"),
        (WORD, "soft", "'soft' is not one of zero, subtract"),
    ],
)
def test_a_wrong_value_is_told_with_the_parameter_and_the_reason(parameter, given_, reason):
    with pytest.raises(UsageError) as error:
        parameter.check("p", given_)
    assert str(error.value) == f"parameter p: {reason}"


@given(st.integers(-5000, 5000))
def test_an_integer_passes_exactly_within_its_bounds(value):
    if 1 <= value <= 1024:
        assert COUNT.check("p", str(value)) == value
    else:
        with pytest.raises(UsageError, match="bound"):
            COUNT.check("p", str(value))


@given(
    st.sampled_from([COUNT, RATE, FLAG, WORD]),
    st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()),
)
def test_a_check_yields_a_valid_value_or_a_usage_error(parameter, value):
    try:
        found = parameter.check("p", value)
    except UsageError:
        return
    assert type(found) is type(parameter.default)
    assert parameter.check("p", found) == found  # what it yields is itself valid


PRESETS = Presets(
    {"hidden": COUNT, "rate": RATE},
    {
        "quick": {"*": {"hidden": 2}, "mnist": {"hidden": 3}},
        "source": {"mnist": {"rate": 0.1}},
    },
)


def test_values_come_from_the_override_then_the_task_then_every_task_then_the_default():
    assert PRESETS.resolve("quick", "digits", {}) == {"hidden": 2, "rate": 0.5}
    assert PRESETS.resolve("quick", "mnist", {}) == {"hidden": 3, "rate": 0.5}
    assert PRESETS.resolve("quick", "mnist", {"hidden": "4"}) == {"hidden": 4, "rate": 0.5}
    assert PRESETS.resolve("source", "mnist", {}) == {"hidden": 64, "rate": 0.1}


def test_a_preset_is_offered_where_it_names_the_task_or_every_task():
    assert PRESETS.offers("quick", "kmnist")
    assert not PRESETS.offers("source", "digits")
    assert not PRESETS.offers("best", "mnist")


def test_a_preset_that_is_not_offered_is_unsupported_and_tells_what_there_is():
    with pytest.raises(Unsupported, match="no preset 'source' for task 'digits'; there is quick"):
        PRESETS.resolve("source", "digits", {})
    with pytest.raises(Unsupported, match="there is none"):
        Presets({}, {}).resolve("quick", "digits", {})


def test_a_default_that_is_no_value_is_told():
    with pytest.raises(UsageError, match=r"parameter n: its default \[4, 5\] is no text, number"):
        Parameter([4, 5], "a list").check("n", [4, 5])


def test_an_unknown_parameter_is_told_with_the_nearest():
    with pytest.raises(UsageError, match="unknown parameter 'hiden': did you mean 'hidden'"):
        PRESETS.resolve("quick", "digits", {"hiden": 1})


def test_a_preset_of_the_plugin_itself_is_checked_too():
    wrong = Presets({"hidden": COUNT}, {"quick": {"*": {"hidden": 0}}})
    with pytest.raises(UsageError, match="below its bound"):
        wrong.resolve("quick", "digits", {})


@given(
    st.dictionaries(st.sampled_from(["hidden", "rate"]), st.integers(1, 1)),
    st.sampled_from(["digits", "mnist"]),
)
def test_every_parameter_is_resolved_and_overrides_win(overrides, task):
    found = PRESETS.resolve("quick", task, overrides)
    assert found.keys() == PRESETS.parameters.keys()
    assert found.items() >= overrides.items()


def test_a_task_counts_the_values_of_a_sample():
    assert Task("t", "classification", (1, 28, 28), 10, 5).inputs == 784
