from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogue.plugins import Plugin
from harness.config.options import RunConfig, make_config, parse_params
from harness.coordinator.plan import (
    check_names,
    part_of,
    plan,
    plan_tasks,
    without_effect,
)
from harness.errors import UsageError
from harness.plugin import Parameter, Presets, Reported, Source, Task
from harness.protocol.events import Failed, Prepared
from harness.results.labels import labels as labels_of
from harness.results.naming import rows_named
from harness.subjects import PluginLocation

PRESETS = Presets(
    {
        "hidden": Parameter(64, "units", low=1, high=1024),
        "rate": Parameter(0.5, "learning rate", low=0, high=1),
    },
    {"quick": {"*": {}}, "source": {"mnist": {}}},
)


def plugin(name, **changes):
    return Plugin(name, PluginLocation(name, module=name), "none", **changes)


PLUGINS = [plugin("native-dfa"), plugin("native-stdp"), plugin("norse-lif")]


def planned(*sets, plugins=PLUGINS, presets=None, device="cpu", **options):
    params = options.pop("params", None) or parse_params(sets)
    config = make_config(
        RunConfig, {"plugins": ("all",), "params": params, "seeds": (0,), **options}
    )
    check_names(config, plugins)
    known = {p.label: PRESETS for p in plugins} if presets is None else presets
    return plan(config, plugins, known, device)


def rows(*sets, **options):
    return [found.trial.row for found in planned(*sets, **options)]


def labels(*sets, **options):
    return labels_of(rows(*sets, **options))


def test_a_trial_for_each_plugin_and_seed_seed_by_seed():
    found = planned(seeds=(3, 1, 3), device="cuda", threads=2)
    assert [(p.trial.row.plugin, p.trial.seed) for p in found] == [
        (p.name, seed) for seed in (3, 1) for p in PLUGINS
    ]
    assert {(r.task, r.preset, r.device, r.threads) for r in (p.trial.row for p in found)} == {
        ("digits", "quick", "cuda", 2)
    }
    assert len({p.trial.key for p in found}) == 6
    assert all(p.refused is None for p in found)


def test_a_row_says_what_code_it_is():
    digest = "d" * 64
    (row,) = rows(plugins=[plugin("native-dfa", framework_version="2.1", digest=digest)])
    assert (row.framework, row.framework_version, row.digest) == ("none", "2.1", digest)


def test_rows_carry_all_parameters_resolved_once():
    presets = Presets(
        PRESETS.parameters, {"quick": {"*": {"hidden": 100}, "digits": {"rate": 0.25}}}
    )
    found = rows("native-dfa.rate=1", presets=dict.fromkeys(["native-dfa", "x"], presets),
                 plugins=[PLUGINS[0], plugin("x")])  # fmt: skip
    assert [row.params for row in found] == [
        {"hidden": 100, "rate": 1.0},
        {"hidden": 100, "rate": 0.25},
    ]
    assert [type(value) for value in found[0].params.values()] == [int, float]


def test_each_value_of_a_sweep_is_a_row_of_its_own():
    found = rows("native-dfa.hidden=32,64")
    assert [(row.plugin, row.swept, row.params["hidden"]) for row in found] == [
        ("native-dfa", {"hidden": 32}, 32),
        ("native-dfa", {"hidden": 64}, 64),
        ("native-stdp", {}, 64),
        ("norse-lif", {}, 64),
    ]
    assert labels("native-dfa.hidden=32,64") == [
        "native-dfa hidden=32", "native-dfa hidden=64", "native-stdp", "norse-lif",
    ]  # fmt: skip


def test_a_single_value_changes_the_parameter_and_not_the_label():
    (first, *_) = rows("native-dfa.hidden=32")
    assert (first.params["hidden"], first.swept) == (32, {})
    assert labels("native-dfa.hidden=32")[0] == "native-dfa"


def test_from_python_the_same_with_values_of_their_own_types():
    params = {"native-dfa": {"hidden": [32, 64], "rate": 0.25}, "norse-*": {"hidden": 7}}
    found = rows(params=params)
    assert [(row.plugin, row.swept, row.params) for row in found] == [
        ("native-dfa", {"hidden": 32}, {"hidden": 32, "rate": 0.25}),
        ("native-dfa", {"hidden": 64}, {"hidden": 64, "rate": 0.25}),
        ("native-stdp", {}, {"hidden": 64, "rate": 0.5}),
        ("norse-lif", {}, {"hidden": 7, "rate": 0.5}),
    ]
    texts = ["native-dfa.hidden=32,64", "native-dfa.rate=0.25", "norse-*.hidden=7"]
    assert rows(*texts) == found


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
    (row,) = rows("*.hidden=1,2", "native-dfa.hidden=3", plugins=PLUGINS[:1])
    assert (row.params["hidden"], row.swept) == (3, {})


def test_a_value_given_twice_is_one_row():
    found = labels("native-dfa.hidden=32,32.0, 32 ,64", plugins=PLUGINS[:1])
    assert found == ["native-dfa hidden=32", "native-dfa hidden=64"]


# --- presets --------------------------------------------------------------------------------------

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
    found = planned(preset="source*,best", presets=known, plugins=PLUGINS[:2])
    assert [(p.trial.row.plugin, p.trial.row.preset) for p in found] == [
        ("native-dfa", "source"),
        ("native-dfa", "source-32"),
        ("native-dfa", "best"),
        # It offers none of them for this task: the trial is skipped, and says why.
        ("native-stdp", "source*"),
    ]
    assert labels_of([p.trial.row for p in found])[0] == "native-dfa preset=source"
    assert found[3].refused.status == "skipped"
    assert found[3].refused.reason == "no preset 'source*' for task 'digits'; there is quick"


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
    with pytest.raises(UsageError, match=r"unknown preset .* for task 'digits'"):
        planned(preset=asked, presets={"native-dfa": SEVERAL}, plugins=PLUGINS[:1])


def test_a_preset_of_another_task_is_not_offered_as_the_nearest():
    other = Presets(PRESETS.parameters, {"quick": {"mnist": {}}})
    with pytest.raises(UsageError, match="unknown preset 'quick' for task 'digits': known: none"):
        planned(preset="quick", presets={"native-dfa": other}, plugins=PLUGINS[:1])


def test_a_preset_that_nobody_offers_is_told_with_the_nearest():
    with pytest.raises(UsageError, match=r"'qick' for task 'digits': did you mean 'quick'\?"):
        planned(preset="qick")


def test_a_preset_that_some_offer_plans_the_others_too_and_skips_them():
    presets = {"native-dfa": PRESETS, "native-stdp": Presets({}, {"quick": {"*": {}}})}
    found = planned(plugins=PLUGINS[:2], presets=presets, task="mnist", preset="source")
    assert [(p.trial.row.plugin, p.refused and p.refused.status) for p in found] == [
        ("native-dfa", None),
        ("native-stdp", "skipped"),
    ]


REPORTED = Presets(
    PRESETS.parameters,
    {"quick": {"*": {}}, "source": {"*": {}}},
    sources={
        "source": Source(
            "A title",
            "Somebody",
            2020,
            departures=("the batch is larger",),
            reported={
                "digits": [Reported(0.97, "table 1")],
                "mnist": [Reported(0.99, "table 2"), Reported(0.98, "table 3", {"hidden": 32})],
            },
        )
    },
)


@pytest.mark.parametrize(
    ("sets", "options", "reported"),
    [
        ([], {"preset": "source"}, [(0.97, "table 1")]),
        ([], {"preset": "source", "task": "mnist"}, [(0.99, "table 2")]),
        ([], {"preset": "source", "task": "randman"}, [None]),
        # Whatever is changed, it is no longer the setting that the number was reported for.
        (["native-dfa.hidden=32"], {"preset": "source"}, [None]),
        (["other.hidden=32"], {"preset": "source"}, [(0.97, "table 1")]),
        # A source may report more than one setting.
        (
            ["*.hidden=32,48,64"],
            {"preset": "source", "task": "mnist"},
            [(0.98, "table 3"), None, (0.99, "table 2")],
        ),
    ],
)
def test_what_the_source_reports_stands_for_its_own_setting_alone(sets, options, reported):
    plugins = [PLUGINS[0], plugin("other")]
    known = {"native-dfa": REPORTED, "other": PRESETS}
    found = planned(*sets, plugins=plugins, presets=known, **options)
    sources = [p.source for p in found if p.plugin.name == "native-dfa"]
    assert all(source.title == "A title" for source in sources)
    assert [s.accuracy and (s.accuracy, s.where) for s in sources] == reported


def test_what_the_command_sets_otherwise_is_one_more_departure():
    known = {"native-dfa": REPORTED}
    for told, departures in [
        ("hidden=32", ["hidden is 32"]),
        ("hidden=64", []),
    ]:
        (found,) = planned(
            f"native-dfa.{told}", plugins=PLUGINS[:1], presets=known, preset="source"
        )
        assert list(found.source.departures) == ["the batch is larger", *departures]


def test_a_preset_without_a_source_cites_none():
    (found,) = planned(plugins=PLUGINS[:1], presets={"native-dfa": REPORTED})
    assert found.source is None


# --- what is wrong --------------------------------------------------------------------------------


def test_the_baseline_is_one_row_of_each_task_or_of_one():
    swept = {"native-dfa": {"hidden": [1, 2]}}
    for text in (
        "norse-lif", "native-dfa hidden=2", "native-dfa task=mnist hidden=2", "native-stdp task=digits"
    ):  # fmt: skip
        plans(baseline=text, params=swept)
    with pytest.raises(UsageError) as error:
        plans(baseline="native-dfa", params=swept)
    assert str(error.value) == (
        "--baseline 'native-dfa' names 2 rows, give one: 'native-dfa hidden=1', 'native-dfa hidden=2'"
    )
    with pytest.raises(UsageError) as error:
        plans(("digits",), baseline="native-dfa hidden=3", params=swept)
    assert str(error.value).endswith(
        "known: native-dfa hidden=1, native-dfa hidden=2, native-stdp, norse-lif"
    )


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
    ],
)
def test_a_wrong_setting_is_one_line_with_the_reason(text, reason):
    with pytest.raises(UsageError) as error:
        planned(text)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_no_value_at_all_is_an_error_and_not_a_plugin_less():
    with pytest.raises(UsageError, match="hidden"):
        planned(params={"native-dfa": {"hidden": []}}, plugins=PLUGINS[:1])


@pytest.mark.parametrize("status", ["failed", "invalid", "crashed", "timeout", "skipped"])
def test_a_plugin_that_could_not_be_described_is_planned_and_refused(status):
    why = Failed(status=status, reason="so it is", where="import")
    found = planned(
        "*.hidden=1,2", plugins=PLUGINS[:2],
        presets={"native-dfa": PRESETS, "native-stdp": why},
    )  # fmt: skip
    assert [(p.trial.row.plugin, p.refused) for p in found] == [
        ("native-dfa", None), ("native-dfa", None), ("native-stdp", why), ("native-stdp", why),
    ]  # fmt: skip
    assert [p.trial.row.params for p in found[2:]] == [{"hidden": "1"}, {"hidden": "2"}]


def test_where_no_plugin_could_be_described_every_preset_will_do():
    why = Failed(status="failed", reason="no")
    (found,) = planned(preset="anything", plugins=PLUGINS[:1], presets={"native-dfa": why})
    assert (found.trial.row.preset, found.refused) == ("anything", why)


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=5),
    st.lists(st.integers(1, 1024), min_size=1, max_size=5),
    st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=3),
)
def test_every_combination_is_there_once_under_a_key_of_its_own(seeds, hidden, rates):
    found = planned(
        f"native-dfa.hidden={','.join(map(str, hidden))}",
        f"native-dfa.rate={','.join(map(str, rates))}",
        plugins=PLUGINS[:1],
        seeds=seeds,
    )
    wanted = {(s, h, r) for s in seeds for h in hidden for r in rates}
    trials = [p.trial for p in found]
    assert {(t.seed, t.row.params["hidden"], t.row.params["rate"]) for t in trials} == wanted
    if len(set(hidden)) == len(hidden) and len(set(rates)) == len(rates):
        assert len({t.key for t in trials}) == len(trials) == len(wanted)


# --- files that parameters name -------------------------------------------------------------------


@pytest.fixture
def nets(tmp_path):
    """A function that plans rows of a network in a file: (their rows, where their plugins find files)."""
    presets = Presets(
        {**PRESETS.parameters, "model": Parameter("", "a network", file=True)}, PRESETS.values
    )

    def make(*names):
        texts = [str(tmp_path / name) for name in names]
        found = planned(
            f"native-dfa.model={','.join(texts)}",
            plugins=PLUGINS[:1],
            presets={"native-dfa": presets},
        )
        return [p.trial.row for p in found], [p.plugin.location.files for p in found]

    return make


def test_a_row_names_a_file_by_its_content_and_the_worker_gets_its_place(nets, tmp_path):
    (tmp_path / "net.py").write_text("x = 1\n")
    (before,), (files,) = nets("net.py:make")
    assert before.params["model"].startswith("net.py:make@")
    assert str(tmp_path) not in before.model_dump_json()
    assert files == ((before.params["model"], f"{tmp_path}/net.py:make"),)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/net.py").write_text("x = 1\n")
    assert nets("other/net.py:make")[0][0].key == before.key
    (tmp_path / "net.py").write_text("x = 2\n")
    assert nets("net.py:make")[0][0].key != before.key


def test_what_has_no_effect_beside_other_parameters_is_told():
    own = {"depth": Parameter(1, "of it", where={"rate": (0.25,)})}
    presets = {"native-dfa": Presets({**PRESETS.parameters, **own}, PRESETS.values)}
    found = planned("native-dfa.rate=0.25,0.5", plugins=PLUGINS[:1], presets=presets)
    assert [(p.trial.row.params["rate"], p.unused) for p in found] == [
        (0.25, ()),
        (0.5, ("depth",)),
    ]
    assert all(p.trial.row.params["depth"] == 1 for p in found)


def test_what_is_set_and_has_no_effect_in_any_row_is_told():
    own = {"depth": Parameter(1, "of it", where={"rate": (0.25,)})}
    presets = {"native-dfa": Presets({**PRESETS.parameters, **own}, PRESETS.values)}

    def told(*sets):
        asked = {"plugins": ("all",), "params": parse_params(sets), "seeds": (0,)}
        found = planned(*sets, plugins=PLUGINS[:1], presets=presets)
        return list(without_effect(make_config(RunConfig, asked), found))

    (line,) = told("native-*.depth=3", "native-dfa.rate=0.5")
    assert line.startswith("--set native-dfa: depth has no effect beside its other parameters")
    assert told("native-dfa.depth=3", "native-dfa.rate=0.25,0.5") == []
    assert told("native-dfa.rate=0.5") == []


def test_files_can_be_swept(nets, tmp_path):
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(f"x = {name!r}\n")
    found, files = nets("a.py:make", "b.py:make")
    assert [row.swept["model"] for row in found] == [row.params["model"] for row in found]
    assert [row.params["model"].partition("@")[0] for row in found] == ["a.py:make", "b.py:make"]
    assert [place for ((_, place),) in files] == [f"{tmp_path}/{n}.py:make" for n in "ab"]


def test_a_file_that_is_not_there_is_one_line_before_any_work(nets):
    with pytest.raises(UsageError, match=r"native-dfa: model file .*gone.py: No such file"):
        nets("gone.py:make")


# --- parts of a run -------------------------------------------------------------------------------


def parts(count, plugins, seeds):
    """The trials of each part, as (plugin, seed)."""
    made = []
    for place in range(1, count + 1):
        options = {"plugins": ("all",), "seeds": seeds, "shard": f"{place}/{count}"}
        config = make_config(RunConfig, options)
        every = plan(config, plugins, {p.name: PRESETS for p in plugins}, "cpu")
        made.append([(p.trial.row.plugin, p.trial.seed) for p in part_of(config, every)])
    return made


@given(rows=st.integers(1, 13), seeds=st.integers(1, 5), count=st.integers(1, 20))
def test_parts_are_the_whole_and_of_one_size(rows, seeds, count):
    plugins = [plugin(f"p{n:02}") for n in range(rows)]
    count = min(count, rows * seeds)
    made = parts(count, plugins, tuple(range(seeds)))
    assert sorted(itertools.chain(*made)) == [(p.name, s) for p in plugins for s in range(seeds)]
    sizes = {len(part) for part in made}
    assert max(sizes) - min(sizes) <= 1


def test_a_part_is_every_nth_trial_and_not_one_row_with_all_its_seeds():
    assert parts(2, PLUGINS, (0, 1))[0] == [("native-dfa", 0), ("norse-lif", 0), ("native-stdp", 1)]
    assert parts(3, PLUGINS, (0, 1, 2))[0] == [
        ("native-dfa", 0), ("norse-lif", 1), ("native-stdp", 2),
    ]  # fmt: skip


def test_a_part_with_nothing_to_do_is_refused():
    config = make_config(RunConfig, {"plugins": ("all",), "seeds": (0,), "shard": "4/4"})
    every = planned()
    with pytest.raises(UsageError, match="--shard 4/4 has nothing to do: there are 3 trials"):
        part_of(config, every)


# --- versions of a framework ----------------------------------------------------------------------


def test_two_versions_of_a_framework_are_two_rows_of_one_plugin():
    plugins = [plugin("a", pinned=v, framework_version=v) for v in ("0.9", "1.0")]
    old, new = rows("a.hidden=32", plugins=plugins)
    assert labels_of([old, new]) == ["a@0.9", "a@1.0"]
    assert old.params["hidden"] == new.params["hidden"] == 32
    assert old.key != new.key
    assert old.asked != new.asked  # a run that is carried on keeps both
    assert rows_named("a@0.9", [old, new]) == [old]
    assert rows_named("a", [old, new]) == [old, new]


def test_a_row_without_a_version_is_the_row_that_it_was():
    (row,) = rows(plugins=[plugin("a")])
    assert row.pinned is None
    assert row.key == row.model_copy(update={"pinned": None}).key
    assert "pinned" not in row.asked


# --- several tasks --------------------------------------------------------------------------------


def plans(tasks=("digits", "mnist"), presets=PRESETS, names=None, plugins=PLUGINS, **options):
    """The plans of a run of `tasks`; of files, with the `names` that they turn out to have."""
    config = make_config(RunConfig, {"plugins": ("all",), "task": tasks, "seeds": (0,), **options})
    told = {text: Prepared(path=text, facts={"digest": text}) for text in config.tasks}
    for text, name in (names or {}).items():
        task = Task(name, "classification", (1,), 2, 1, 1)
        told[text] = told[text].model_copy(update={"task": task})
    data = [(config.on(text), told[text]) for text in config.tasks]
    return plan_tasks(config, plugins, {p.label: presets for p in plugins}, "cpu", data)


def test_each_task_has_a_plan_of_its_own_and_names_say_which():
    first, second = plans(("digits", "a/b.py"), names={"a/b.py": "wine"})
    assert (first.task, second.task, second.config.task) == ("digits", "wine", "a/b.py")
    assert [(p.trial.row.task, p.trial.row.data) for p in second.planned] == [
        ("wine", "a/b.py")
    ] * 3
    assert (first.planned[0].name, second.planned[0].name) == (
        "native-dfa task=digits",
        "native-dfa task=wine",
    )
    (alone,) = plans(("digits",))
    assert (alone.planned[0].name, alone.own, first.own) == ("native-dfa", "", "digits")


def test_a_preset_that_a_plugin_lacks_for_one_task_is_skipped_there_and_none_is_an_error():
    odd = Presets(PRESETS.parameters, {"quick": {"*": {}}, "source": {"mnist": {}, "digits": {}}})
    some = {PLUGINS[0].label: odd, **{p.label: PRESETS for p in PLUGINS[1:]}}
    config = make_config(
        RunConfig,
        {"plugins": ("all",), "task": "digits,mnist", "preset": "source", "seeds": (0,)},
    )
    data = [(config.on(task), Prepared(path="", facts={})) for task in config.tasks]
    digits, mnist = plan_tasks(config, PLUGINS, some, "cpu", data)
    assert [p.refused is None for p in digits.planned] == [True, False, False]
    assert [p.refused for p in mnist.planned] == [None] * 3
    with pytest.raises(UsageError, match="unknown preset 'source' for task 'digits'"):
        plans(preset="source")
    wrong = {"native-dfa": {"hidden": [0]}}
    with pytest.raises(UsageError, match=r"--set native-dfa\.hidden: native-dfa: parameter hidden"):
        plans(params=wrong)


def test_two_tasks_of_one_name_are_refused():
    with pytest.raises(UsageError, match="two tasks are called wine: rename one of them"):
        plans(("a.py", "b.py"), names={"a.py": "wine", "b.py": "wine"})


def test_the_parts_of_a_run_of_several_tasks_are_the_whole_and_have_some_of_each():
    parts = [plans(seeds=(0, 1), shard=f"{n}/4") for n in (1, 2, 3, 4)]
    keys = [p.trial.key for part in parts for own in part for p in own.planned]
    whole = [p.trial.key for own in plans(seeds=(0, 1)) for p in own.planned]
    assert sorted(keys) == sorted(whole)
    assert len(set(keys)) == 12
    assert all(own.planned for part in parts for own in part)
    rows = [list(dict.fromkeys(p.trial.row.key for p in own.planned)) for own in plans()]
    assert [[own.rows for own in part] for part in parts] == [rows] * 4
