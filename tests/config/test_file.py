"""Files that say what `harness run` is to do."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.config.file import in_file, read_config
from harness.config.options import RunConfig, make_config
from harness.errors import UsageError, WrongParameter
from harness.results.session import Session
from harness.results.store import RunFolder
from tests.fuzz.damage import TOML, changed_value


@pytest.fixture
def bench(tmp_path):
    def write(text):
        path = tmp_path / "bench.toml"
        path.write_text(text)
        return path

    return write


def test_everything_that_the_command_line_says(bench, tmp_path):
    (tmp_path / "mine.py").touch()
    (tmp_path / "data").mkdir()
    options = read_config(
        bench("""
        plugins = ["native-dfa", "mine.py"]
        task = "mnist"
        seeds = [0, 1]
        min-time = 0.05
        fail_fast = true
        memory = 4
        data = "data"
        [set.native-dfa]
        hidden = [32, 64]
        [set."native-*"]
        epochs = 3
    """)
    )
    assert options["plugins"] == ["native-dfa", str(tmp_path / "mine.py")]
    assert options["data"] == [str(tmp_path / "data")]
    config = make_config(RunConfig, options)
    assert (config.task, config.seeds, config.min_time) == ("mnist", (0, 1), 0.05)
    assert config.params == {"native-dfa": {"hidden": (32, 64)}, "native-*": {"epochs": (3,)}}


def test_settings_may_be_words_as_on_the_command_line(bench):
    text = "plugins = 'a,b'\nset = ['a.x=1,2', 'b.y=z']"
    assert read_config(bench(text)) == {
        "plugins": ["a", "b"], "params": {"a": {"x": ("1", "2")}, "b": {"y": ("z",)}},
    }  # fmt: skip
    assert read_config(bench("preset = ['quick', 'best']\nvariants = 'compile'")) == {
        "preset": "quick,best", "variants": ["compile"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("task = 'x'\nsedes = [1]", ":2: unknown key 'sedes': did you mean 'seeds'?"),
        ("task = 'x'\n\nlimit = 0", ":3: --limit: wanted 1 or more, not 0"),
        ("seeds = ['a']", ":1: --seeds: wanted an integer, not 'a'"),
        ("limit = 1.5", ":1: --limit: wanted an integer, not 1.5"),
        ("limit = 99999999999", ":1: --limit: wanted less than 2147483648, not 99999999999"),
        ("timing = 'maybe'", ":1: --timing: wanted true or false, not 'maybe'"),
        ("memory = 'lots'", ":1: --memory: wanted a number, not 'lots'"),
        ("memory = inf", ":1: --memory: wanted a finite number, not inf"),
        ("timeout = 0", ":1: --timeout: wanted more than 0, not 0"),
        ("executor = 'slurm'", ":1: --executor: wanted 'local' or 'dask', not 'slurm'"),
        ("device = 3", ":1: --device: wanted text, not 3"),
        ("plugins = [[1]]", ":1: --plugins: wanted text, not [1]"),
        ("set = 3", ":1: set: wanted names with their values, not 3"),
        ("[set.one]\nrounds = [[1]]", ":2: set one.rounds: wanted a number, text, true or false"),
        ("seeds = [\n  1,\n  'b',\n]", ":1: --seeds: "),
        ("min_time = 'x'", ":1: --min-time: "),
        ("rounds = 3\n[set.one]\nrounds = {a = 1}", ":3: set one.rounds: "),
        ("[set]\none = 3", ":1: params: wanted {'PLUGIN': {'one': 3}}"),
        ("task = 'x'\ndry-run = true", ":2: --dry-run is given on the command line"),
        ("task = 'x'\nset = ['a.b=1',\n  'a.c=2'\n", ":2: "),
        ("task = 'x'\nset = 'x'", ":2: --set 'x': wanted NAME.param=value"),
        ("task = [", ":1: Invalid value (what begins here is not closed)"),
        ("out = 3", ":1: --out: wanted a path"),
        ("seeds = [1]\ntask = ['a', 'a']", ":2: --task: wanted each task once, and a is given"),
        ("preset = 'best,'", ":1: --preset: wanted names or patterns, several separated by commas"),
        ("task = ['a', '']", ":1: --task: wanted NAME or FILE.py"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_line(bench, text, reason):
    path = bench(text)
    with pytest.raises(UsageError) as error:
        read_config(path)
    assert f"{path}{reason}" in str(error.value)
    assert "\n" not in str(error.value)


of_task = UsageError("no such")
of_task.option = "task"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WrongParameter("no such", "ada", "hiden"), ":3: no such"),
        (WrongParameter("no such", "b-*", "lr"), ":5: no such"),
        (of_task, ":1: no such"),
    ],
)
def test_what_turns_out_wrong_later_is_told_with_its_line(bench, error, told):
    path = bench("task = 'x'\n[set.ada]\nhiden = 3\n[set.'b-*']\nlr = 1\n")
    assert str(in_file(path, error)) == f"{path}{told}"


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    (tmp_path / "bench.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="utf-8"):
        read_config(tmp_path / "bench.toml")
    with pytest.raises(UsageError, match="No such file"):
        read_config(tmp_path / "none.toml")


def test_the_run_json_of_any_run_is_one(tmp_path):
    (tmp_path / "mine.py").touch()
    config = make_config(RunConfig, {"plugins": ("mine.py",), "seeds": (3,), "limit": 5})
    folder = RunFolder.create(tmp_path / "results" / "run", "networks")
    folder.begin(Session(config=config.model_dump(mode="json"), folder="../.."))
    options = read_config(folder.path / "run.json")
    plugin = folder.path / "../.." / "mine.py"
    assert make_config(RunConfig, options) == config.model_copy(update={"plugins": (str(plugin),)})


def test_several_tasks_are_a_list_or_a_run_json_whose_files_are_found_from_here(bench, tmp_path):
    path = bench("task = ['digits', 'mine.py:one']")
    assert read_config(path)["task"] == "digits,mine.py:one"
    (tmp_path / "mine.py").touch()
    assert read_config(path)["task"] == f"digits,{tmp_path / 'mine.py'}:one"
    config = make_config(RunConfig, {"plugins": ("all",), "task": ["digits", "mine.py:one"]})
    folder = RunFolder.create(tmp_path / "results" / "run", "networks")
    folder.begin(Session(config=config.model_dump(mode="json"), folder="../.."))
    found = read_config(folder.path / "run.json")["task"]
    assert found == f"digits,{folder.path / '../..' / 'mine.py'}:one"


def test_the_run_json_of_layers_is_refused(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "layers")
    with pytest.raises(UsageError, match="is a run of harness layers"):
        read_config(folder.path / "run.json")


@pytest.mark.parametrize("text", ["a = " + "[" * 9999, "a = " + "{b=" * 9999])
def test_a_file_that_is_nested_too_deeply_is_one_line(bench, text):
    with pytest.raises(UsageError, match=r"bench.toml: .*[nN]est"):
        read_config(bench(text))


def test_a_pipe_in_place_of_a_file_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "bench.toml")
    with pytest.raises(UsageError, match="no regular file"):
        read_config(tmp_path / "bench.toml")


@settings(
    max_examples=int(os.environ.get("HARNESS_FUZZ", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(random=st.randoms(use_true_random=False))
def test_no_damage_of_a_file_ends_in_a_traceback(bench, random):
    try:
        options = read_config(bench(changed_value(random, TOML)))
        options.pop("out", None)
        make_config(RunConfig, {"plugins": ("all",), **options})
    except UsageError as error:
        assert str(error).isprintable()
