from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogue.digest import file_digest, package_digest
from harness.catalogue.plugins import Plugin, discover, from_file, preloads, select
from harness.errors import UsageError
from harness.subjects import PluginLocation

EXPLODES = "raise SystemExit('imported')\n"


def found(name):
    return next(plugin for plugin in discover() if plugin.name == name)


# --- discovery ------------------------------------------------------------------------------------


def test_an_installed_plugin_is_found_with_its_framework_and_not_imported(distribution):
    distribution("good-framework", version="3.1")
    distribution(
        "good-plug",
        {"good": "good_module"},
        requires=["good-framework>=3"],
        framework="goodnet = good-framework",
        modules={"good_module": EXPLODES},
    )
    plugin = found("good")
    assert (plugin.status, plugin.reason) == ("ready", "")
    assert (plugin.framework, plugin.framework_version) == ("goodnet", "3.1")
    assert plugin.distribution == "good-plug"
    assert plugin.location == PluginLocation("good", module="good_module")
    assert "good_module" not in sys.modules


def test_without_a_framework_the_distribution_stands_for_it(distribution):
    distribution("plain", {"plain": "plain_module"}, modules={"plain_module": ""}, version="2.5")
    assert (found("plain").framework, found("plain").framework_version) == ("plain", "2.5")


def test_a_submodule_is_looked_for_without_importing_its_parents(distribution):
    modules = {"parent/__init__": EXPLODES, "parent/child": EXPLODES}
    distribution("nested", {"nested": "parent.child", "lost": "parent.other"}, modules=modules)
    assert found("nested").status == "ready"
    assert found("lost").status == "broken"
    assert found("lost").reason == "there is no module parent.other"
    assert "parent" not in sys.modules


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        ("no-such-thing", "no-such-thing is not installed"),
        ("helper>=2", "helper 1.0 is installed, wanted >=2"),
        ("helper[extra]", "no-such-extra is not installed"),
        ("helper[deep]", "no-such-extra is not installed"),
    ],
)
def test_a_plugin_whose_needs_are_not_met_is_missing_and_says_what(distribution, need, reason):
    distribution(
        "helper",
        requires=[
            'no-such-extra; extra == "extra"',
            'helper[extra]; extra == "deep"',
            'never-asked-for; extra == "other"',
        ],
    )
    distribution("needy", {"needy": "needy_module"}, requires=[need], modules={"needy_module": ""})
    plugin = found("needy")
    assert (plugin.status, plugin.reason) == ("missing", reason)
    assert plugin.install == "pip install needy"


def test_needs_of_other_platforms_and_extras_do_not_count(distribution):
    requires = ['no-such-thing; sys_platform == "plan9"', 'no-such-thing; extra == "gpu"']
    distribution("free", {"free": "free_module"}, requires=requires, modules={"free_module": ""})
    assert found("free").status == "ready"


def test_all_that_is_missing_is_told_at_once(distribution):
    requires = ["missing-one", "missing-two"]
    distribution("two", {"two": "two_module"}, requires=requires, modules={"two_module": ""})
    assert found("two").reason == "missing-one is not installed; missing-two is not installed"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def f(:\n", "line 1: invalid syntax"),
        ("x = 1\ny = (\n", "line 2: '(' was never closed"),
        ("x = 'a\x00b'", "null bytes"),
    ],
)
def test_a_syntax_error_is_found_without_running_anything(distribution, source, reason):
    distribution("typo", {"typo": "typo_module"}, modules={"typo_module": source})
    plugin = found("typo")
    assert plugin.status == "broken"
    assert reason in plugin.reason


def test_a_module_that_is_not_there_is_broken(distribution):
    distribution("hollow", {"hollow": "hollow_module:thing"})
    assert found("hollow").reason == "there is no module hollow_module"


def test_a_name_that_two_distributions_take_is_broken_and_names_both(distribution):
    modules = {"one_module": ""}
    distribution("first-plug", {"twice": "one_module"}, modules=modules)
    distribution("second-plug", {"twice": "one_module"})
    plugin = found("twice")
    assert plugin.status == "broken"
    assert "first-plug" in plugin.reason
    assert "second-plug" in plugin.reason


def test_the_same_distribution_twice_on_the_path_is_one(distribution, monkeypatch):
    site = distribution("again", {"again": "again_module"}, modules={"again_module": ""})
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    assert found("again").status == "ready"
    assert [plugin.name for plugin in discover()].count("again") == 1


def test_metadata_that_are_not_valid_break_their_own_plugin_alone(distribution):
    distribution("odd", {"odd": "m_module"}, requires=["torch (>=>1)"], modules={"m_module": ""})
    distribution("fine", {"fine": "m_module"})
    assert found("odd").status == "broken"
    assert "metadata" in found("odd").reason
    assert found("fine").status == "ready"


def test_plugins_are_sorted_by_framework_and_name(distribution):
    modules = {"m_module": ""}
    distribution("zz", {"b": "m_module", "a": "m_module"}, framework="aaa = zz", modules=modules)
    distribution("aa", {"c": "m_module"}, framework="zzz = aa")
    assert [p.name for p in discover() if p.name in {"a", "b", "c"}] == ["a", "b", "c"]


def test_listing_plugins_imports_neither_torch_nor_a_plugin(distribution):
    site = distribution("quiet", {"quiet": "quiet_module"}, modules={"quiet_module": EXPLODES})
    code = (
        "import sys, json; sys.path.insert(0, sys.argv.pop(1))\n"
        "from harness.cli import main\n"
        "try: main()\n"
        "except SystemExit as left: code = left.code or 0\n"
        "heavy = {'torch', 'numpy', 'quiet_module', 'matplotlib', 'pandas', 'sklearn'}\n"
        "print(json.dumps([code, sorted(heavy & sys.modules.keys())]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site), "plugins", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stderr) == [0, []]
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["quiet"]["status"] == "ready"


# --- several frameworks in one distribution -------------------------------------------------------

TWO = {
    "framework": ["quicknet = quick-dist", "slownet = slow-dist"],
    "modules": {"m_module": ""},
}


@pytest.fixture
def two_frameworks(distribution):
    distribution("quick-dist", version="1.5")
    distribution("slow-dist", version="2.5")


@pytest.mark.usefixtures("two_frameworks")
def test_a_distribution_with_two_frameworks_names_one_for_each_plugin(distribution):
    distribution(
        "both",
        {"fast": "m_module", "slow": "m_module"},
        layers={"slownet": "m_module"},
        uses={"fast": "quicknet", "slow": "slownet", "slownet": "slownet"},
        **TWO,
    )
    told = {
        name: (found(name).framework, found(name).framework_version) for name in ("fast", "slow")
    }
    assert told == {"fast": ("quicknet", "1.5"), "slow": ("slownet", "2.5")}
    (layer,) = [plugin for plugin in discover("harness.layer") if plugin.name == "slownet"]
    assert (layer.framework, layer.status) == ("slownet", "ready")


@pytest.mark.usefixtures("two_frameworks")
def test_a_plugin_of_which_it_is_not_said_which_it_uses_is_broken_and_the_others_are_not(
    distribution,
):
    distribution(
        "both", {"said": "m_module", "unsaid": "m_module"}, uses={"said": "slownet"}, **TWO
    )
    plugin = found("unsaid")
    assert plugin.status == "broken"
    assert plugin.reason == (
        "both has several frameworks (quicknet, slownet): harness.uses must name one for it"
    )
    assert found("said").status == "ready"


@pytest.mark.usefixtures("two_frameworks")
def test_a_framework_that_the_distribution_does_not_declare_is_broken(distribution):
    distribution("both", {"odd": "m_module"}, uses={"odd": "othernet"}, **TWO)
    assert found("odd").reason == "harness.uses names othernet, harness.framework does not"
    distribution("one", {"one": "m_module"}, framework="quicknet = quick-dist",
                 uses={"one": "othernet"})  # fmt: skip
    assert found("one").status == "broken"


def test_the_one_framework_need_not_be_named_and_may_be(distribution):
    modules = {"m_module": ""}
    distribution("dist", version="3.5")
    distribution("plain", {"plain": "m_module"}, framework="net = dist", modules=modules)
    distribution("said", {"said": "m_module"}, framework="net = dist", uses={"said": "net"})
    assert found("plain").framework == found("said").framework == "net"
    assert found("said").framework_version == "3.5"


def test_what_starters_preload_is_named_by_framework(distribution):
    distribution("pre", preload={"somenet": "pre_module:thing", "othernet": "pre_other"})
    assert {k: v for k, v in preloads().items() if k in ("somenet", "othernet")} == {
        "somenet": "pre_module", "othernet": "pre_other",
    }  # fmt: skip


# --- the code that it is --------------------------------------------------------------------------


def test_a_plugins_digest_is_that_of_all_files_of_its_package(distribution):
    modules = {"pack/__init__": "", "pack/one": "x = 1", "pack/deep/two": "x = 2", "solo": "x = 3"}
    site = distribution(
        "pack-dist", {"one": "pack.one", "two": "pack.deep.two", "solo": "solo"}, modules=modules
    )
    before = {name: found(name).digest for name in ("one", "two", "solo")}
    assert before["one"] == before["two"] == package_digest("pack")
    assert before["solo"] == file_digest(site / "solo.py")
    (site / "pack" / "deep" / "two.py").write_text("x = 20")
    after = {name: found(name).digest for name in ("one", "two", "solo")}
    assert after["one"] == after["two"] != before["one"]
    assert after["solo"] == before["solo"]


def test_a_files_digest_changes_with_the_file(plugin_file):
    before = from_file(plugin_file("mine", "x = 1"))
    after = from_file(plugin_file("mine", "x = 2"))
    assert before.digest != after.digest
    assert from_file(plugin_file("mine", "x = 1")) == before
    assert from_file(plugin_file("typo", "def f(:")).digest  # broken ones have one too


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_a_plugin_that_is_called_after_it(plugin_file):
    path = plugin_file("my-net", EXPLODES)
    plugin = from_file(path)
    assert plugin == Plugin(
        "my-net", PluginLocation("my-net", file=str(path)), "my-net", digest=file_digest(path)
    )


def test_a_plugin_says_what_it_is(plugin_file, distribution):
    code = '"""`mine`: a network."""\nraise SystemExit\n'
    assert from_file(plugin_file("mine", code)).description == "a network."
    distribution("theirs", {"mine": "their_module"}, modules={"their_module": code})
    found = {plugin.name: plugin for plugin in discover()}
    assert found["mine"].description == "a network."


def test_a_script_block_names_the_needs_and_the_framework(plugin_file):
    block = (
        '# /// script\n# dependencies = ["{}"]\n# [tool.harness]\n# framework = "pytest"\n# ///\n'
    )
    ready = from_file(plugin_file("ready", block.format("pytest>=1")))
    assert (ready.status, ready.framework) == ("ready", "pytest")
    assert ready.framework_version == pytest.__version__
    missing = from_file(plugin_file("missing", block.format("no-such-thing>=2")))
    assert (missing.status, missing.reason) == ("missing", "no-such-thing is not installed")
    assert missing.install == "pip install 'no-such-thing>=2'"


@pytest.mark.parametrize(
    "block",
    [
        "# dependencies = [",
        '# dependencies = ["torch (>=>1)"]',
        "# dependencies = 5",
        "# tool = 1",
        "# [tool]\n# harness = 1",
    ],
)
def test_a_script_block_that_is_not_valid_breaks_the_plugin(plugin_file, block):
    plugin = from_file(plugin_file("odd", f"# /// script\n{block}\n# ///\n"))
    assert plugin.status == "broken"
    assert plugin.reason.startswith("its script block is not valid: ")


def test_a_file_with_a_syntax_error_is_broken(plugin_file):
    plugin = from_file(plugin_file("typo", "def f(:\n"))
    assert (plugin.status, plugin.reason) == ("broken", "line 2: invalid syntax")


def test_a_byte_order_mark_is_no_syntax_error(tmp_path):
    path = tmp_path / "marked.py"
    path.write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert from_file(path).status == "ready"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "directory"),
        (lambda path: path.write_bytes(b"x = '\xff'"), "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_usage_error_with_its_path(tmp_path, make, reason):
    path = tmp_path / "gone.py"
    make(path)
    with pytest.raises(UsageError) as error:
        from_file(path)
    assert str(path) in str(error.value)
    assert reason in str(error.value)


# --- selection ------------------------------------------------------------------------------------


def plugin(name):
    return Plugin(name, PluginLocation(name, module=name), "none")


INSTALLED = [plugin(name) for name in ("ann-relu", "native-dfa", "native-stdp", "norse-lif")]
NAMES = [p.name for p in INSTALLED]


def names(*patterns):
    return [p.name for p in select(patterns, INSTALLED)]


def test_names_globs_and_all():
    assert names("native-stdp", "ann-relu") == ["native-stdp", "ann-relu"]
    assert names("native-*") == ["native-dfa", "native-stdp"]
    assert names("norse-lif", "n*") == ["norse-lif", "native-dfa", "native-stdp"]
    assert names("all") == NAMES


def test_a_file_stands_beside_installed_plugins(plugin_file):
    assert names(str(plugin_file("mine")), "ann-relu") == ["mine", "ann-relu"]


def test_a_file_that_takes_an_installed_name_is_refused(plugin_file):
    with pytest.raises(UsageError, match="two plugins are called 'ann-relu': rename the file"):
        names("ann-relu", str(plugin_file("ann-relu")))


def test_two_files_of_one_name_are_refused_and_one_given_twice_is_not(plugin_file, tmp_path):
    path = plugin_file("mine")
    assert names(str(path), str(path)) == ["mine"]
    (tmp_path / "other").mkdir()
    other = path.rename(tmp_path / "other" / "mine.py")
    with pytest.raises(UsageError, match="two plugins are called 'mine'"):
        names(str(other), str(plugin_file("mine")))


def test_a_file_that_is_named_without_its_suffix_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ada.py").touch()
    with pytest.raises(UsageError, match=r"did you mean ada\.py\?"):
        select(["ada"], discover())


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("natve-dfa", "did you mean 'native-dfa'?"), ("zzz", "known: ann-relu, native-dfa")],
)
def test_an_unknown_name_is_told_with_the_nearest(pattern, hint):
    with pytest.raises(UsageError) as error:
        names("ann-relu", pattern)
    assert f"unknown plugin {pattern!r}" in str(error.value)
    assert hint in str(error.value)


@pytest.mark.parametrize("patterns", [("all",), ("ann-relu",)])
def test_with_nothing_installed_the_line_says_how_to_install(patterns):
    with pytest.raises(UsageError, match="uv sync"):
        select(patterns, [])


def test_no_pattern_at_all_is_a_usage_error():
    with pytest.raises(UsageError, match="no plugin is named"):
        select((), INSTALLED)


FRAMED = [replace(p, framework_package="lib") for p in INSTALLED]


@pytest.mark.parametrize(
    ("patterns", "labels"),
    [
        (["ann-relu@1.0", "ann-relu@2", "ann-relu"], ["ann-relu@1.0", "ann-relu@2", "ann-relu"]),
        (["native-*@v1.2"], ["native-dfa@1.2", "native-stdp@1.2"]),
        (["ann-relu@1.0", "ann-*@1.0"], ["ann-relu@1.0"]),
    ],
)
def test_a_version_after_a_name_makes_another_contender(patterns, labels):
    assert [p.label for p in select(patterns, FRAMED, versions=True)] == labels


def test_a_file_may_name_the_framework_whose_version_is_chosen(plugin_file):
    block = '# /// script\n# [tool.harness]\n# framework = "lib"\n# ///\n'
    path = plugin_file("mine", block)
    (chosen,) = select([f"{path}@1.5"], [], versions=True)
    assert (chosen.label, chosen.framework_package) == ("mine@1.5", "lib")
    assert chosen.location.file == str(path)


@pytest.mark.parametrize(
    ("pattern", "versions", "line"),
    [
        ("ann-relu@new", True, "ann-relu@new: 'new' is no version, wanted one as in NAME@1.0"),
        (
            "ann-relu@1.0",
            False,
            "only harness run and harness check take NAME@VERSION, give ann-relu",
        ),
        ("ann-rel@1.0", True, "did you mean 'ann-relu'"),
    ],
)
def test_a_version_that_cannot_be_is_refused(pattern, versions, line):
    with pytest.raises(UsageError, match=re.escape(line)):
        select([pattern], FRAMED, versions=versions)


@pytest.mark.parametrize("own", ["", "my-plugins"])
def test_a_plugin_without_a_framework_of_others_has_no_versions(own):
    alone = replace(plugin("mine"), distribution="my-plugins", framework_package=own)
    with pytest.raises(UsageError, match="names no framework whose version could be chosen"):
        select(["mine@1.0"], [alone], versions=True)


@given(st.lists(st.sampled_from([*NAMES, "all", "native-*", "*"]), min_size=1))
def test_selection_keeps_the_order_and_repeats_nothing(patterns):
    chosen = names(*patterns)
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(names("all"))
    assert names(*patterns, *patterns) == chosen
    assert names(*chosen) == chosen  # selecting what was selected changes nothing
    plain = [pattern for pattern in dict.fromkeys(patterns) if pattern in NAMES]
    if set(patterns) <= set(NAMES):
        assert chosen == plain
    if {"all", "*"} & set(patterns):
        assert set(chosen) == set(NAMES)


@given(st.lists(st.sampled_from(NAMES), unique=True, min_size=1), st.text("abd-*?[]", min_size=1))
def test_a_pattern_selects_something_or_is_an_error(known, pattern):
    installed = [plugin(name) for name in known]
    try:
        chosen = select([pattern], installed)
    except UsageError as error:
        assert repr(pattern) in str(error)
    else:
        assert chosen
        assert {p.name for p in chosen} <= set(known)
