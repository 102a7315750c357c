from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plugin import Parameter, Presets
from harness.subjects import PluginLocation
from harness.errors import UsageError
from harness.catalogue.plugins import Plugin
from harness.coordinator.config import RunConfig
from harness.coordinator.plan import needs_presets, plan

PRESETS = Presets(
    {
        "hidden": Parameter(64, "units", low=1, high=1024),
        "rate": Parameter(0.5, "learning rate", low=0, high=1),
    },
    {"quick": {"*": {}}, "source": {"mnist": {}}},
)


def plugin(name, status="ready"):
    return Plugin(name, PluginLocation(name, module=name), "none", status=status)


PLUGINS = [plugin("native-dfa"), plugin("native-stdp"), plugin("norse-lif")]


def trials(*sets, plugins=PLUGINS, presets=None, device="cpu", **options):
    config = RunConfig(plugins=("all",), sets=sets, **{"seeds": (0,)} | options)
    known = {p.name: PRESETS for p in plugins} if presets is None else presets
    return plan(config, plugins, known, device)


def labels(*sets, **options):
    return [trial.label for trial in trials(*sets, **options)]


def test_a_trial_for_each_plugin_and_seed_seed_by_seed():
    found = trials(seeds=(3, 1, 3), device="cuda", threads=2)
    assert [trial.key for trial in found] == [
        f"{p.name} seed={seed}" for seed in (3, 1) for p in PLUGINS
    ]
    assert {(t.task, t.preset, t.device, t.threads) for t in found} == {
        ("digits", "quick", "cuda", 2)
    }


def test_each_value_of_a_sweep_is_a_row_of_its_own():
    found = trials("native-dfa.hidden=32,64")
    assert [(t.label, t.overrides) for t in found] == [
        ("native-dfa hidden=32", {"hidden": 32}),
        ("native-dfa hidden=64", {"hidden": 64}),
        ("native-stdp", {}),
        ("norse-lif", {}),
    ]


def test_a_single_value_changes_the_parameter_and_not_the_label():
    (first, *_) = trials("native-dfa.hidden=32")
    assert (first.label, first.overrides) == ("native-dfa", {"hidden": 32})


def test_two_sweeps_are_combined():
    found = labels("native-dfa.hidden=1,2", "native-dfa.rate=0,1", plugins=PLUGINS[:1])
    assert found == [f"native-dfa hidden={h} rate={r}" for h in (1, 2) for r in (0.0, 1.0)]


def test_a_glob_sets_the_parameter_of_every_plugin_it_matches():
    assert labels("native-*.hidden=1,2") == [
        "native-dfa hidden=1",
        "native-dfa hidden=2",
        "native-stdp hidden=1",
        "native-stdp hidden=2",
        "norse-lif",
    ]


def test_the_later_of_two_settings_holds():
    found = trials("*.hidden=1,2", "native-dfa.hidden=3", plugins=PLUGINS[:1])
    assert [(t.label, t.overrides) for t in found] == [("native-dfa", {"hidden": 3})]


def test_a_value_given_twice_is_one_row():
    found = labels("native-dfa.hidden=32,32.0, 32 ,64", plugins=PLUGINS[:1])
    assert found == ["native-dfa hidden=32", "native-dfa hidden=64"]


SEVERAL = Presets(
    PRESETS.parameters,
    {
        "quick": {"*": {}},
        "source": {"*": {}},
        "source-32": {"digits": {"hidden": 32}},
        "source-mnist": {"mnist": {}},
        "best": {"*": {"hidden": 500}},
    },
)


def test_each_preset_of_a_list_or_pattern_is_a_row_of_its_own():
    known = {"native-dfa": SEVERAL, "native-stdp": PRESETS}
    found = trials(preset="source*,best", presets=known, plugins=PLUGINS[:2])
    assert [(t.label, t.preset) for t in found] == [
        ("native-dfa preset=source", "source"),
        ("native-dfa preset=source-32", "source-32"),
        ("native-dfa preset=best", "best"),
        # It offers none of them for this task: the trial will be skipped, and say why.
        ("native-stdp preset=source*", "source*"),
    ]


def test_the_baseline_is_a_row_or_a_plugin():
    trials(baseline="native-dfa")
    trials("native-dfa.hidden=1,2", baseline="native-dfa hidden=2")
    with pytest.raises(UsageError, match="unknown row for --baseline 'native-dfb': did you mean"):
        trials(baseline="native-dfb")


def test_presets_and_sweeps_are_combined():
    found = labels(
        "native-dfa.hidden=1,2", preset="quick,best", presets={"native-dfa": SEVERAL},
        plugins=PLUGINS[:1],
    )  # fmt: skip
    assert found == [
        f"native-dfa preset={preset} hidden={h}" for preset in ("quick", "best") for h in (1, 2)
    ]


@pytest.mark.parametrize("asked", ["best,sorce", "sorce", "worst*"])
def test_a_preset_that_no_plugin_has_is_an_error(asked):
    with pytest.raises(UsageError, match="unknown preset for task 'digits'"):
        trials(preset=asked, presets={"native-dfa": SEVERAL}, plugins=PLUGINS[:1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("native-dfa.hiden=1", "native-dfa: unknown parameter 'hiden': did you mean 'hidden'?"),
        ("native-dfa.hidden=0", "native-dfa: parameter hidden: 0 is below its bound 1"),
        ("native-dfa.hidden=64,1025", "parameter hidden: 1025 is above its bound 1024"),
        ("native-dfa.rate=nan", "parameter rate: nan is not a finite number"),
        ("native-dfa.hidden=big", "parameter hidden: 'big' is not an integer"),
        ("native-dfa.hidden=1,", "parameter hidden: '' is not an integer"),
        ("natve-dfa.hidden=1", "unknown plugin 'natve-dfa': did you mean 'native-dfa'?"),
        ("native-dfa.hidden", "wanted NAME.param=value"),
        ("hidden=1", "wanted NAME.param=value"),
        ("native-dfa.=1", "wanted NAME.param=value"),
        (".hidden=1", "wanted NAME.param=value"),
        ("native-dfa.hidden=", "wanted NAME.param=value"),
        ("", "wanted NAME.param=value"),
    ],
)
def test_a_wrong_setting_is_one_line_with_the_reason(text, reason):
    with pytest.raises(UsageError) as error:
        trials(text)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_preset_that_nobody_offers_is_told_with_the_nearest():
    with pytest.raises(UsageError, match=r"'digits' 'qick': did you mean 'quick'\?"):
        trials(preset="qick")


def test_a_preset_that_some_offer_plans_the_others_too():
    presets = {"native-dfa": PRESETS, "native-stdp": Presets({}, {"quick": {"*": {}}})}
    found = trials(plugins=PLUGINS[:2], presets=presets, task="mnist", preset="source")
    assert [t.label for t in found] == ["native-dfa", "native-stdp"]  # one will be skipped


def test_a_plugin_that_is_not_ready_is_planned_all_the_same():
    assert labels(plugins=[plugin("gone", "missing")], presets={}) == ["gone"]


def test_only_plugins_that_must_be_checked_are_asked_for_their_presets():
    def asked(*sets, **options):
        config = RunConfig(plugins=("all",), sets=sets, **options)
        plugins = [*PLUGINS, plugin("native-gone", "missing")]
        return [p.name for p in needs_presets(config, plugins)]

    assert asked() == []
    assert asked("native-*.hidden=1") == ["native-dfa", "native-stdp"]
    assert asked(preset="best") == ["native-dfa", "native-stdp", "norse-lif"]


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=5),
    st.lists(st.integers(1, 1024), min_size=1, max_size=5),
    st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=3),
)
def test_every_combination_is_there_once_under_a_key_of_its_own(seeds, hidden, rates):
    found = trials(
        f"native-dfa.hidden={','.join(map(str, hidden))}",
        f"native-dfa.rate={','.join(map(str, rates))}",
        plugins=PLUGINS[:1],
        seeds=seeds,
    )
    wanted = {(s, h, r) for s in seeds for h in hidden for r in rates}
    assert {(t.seed, t.overrides["hidden"], t.overrides["rate"]) for t in found} == wanted
    if len(set(hidden)) == len(hidden) and len(set(rates)) == len(rates):
        assert len({t.key for t in found}) == len(found) == len(wanted)
