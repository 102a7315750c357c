"""Environments of plugins: built by uv, kept in the cache, and what is said where one cannot be built."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.catalogue.plugins import discover, select
from harness.coordinator.environments import facts, in_environments, provide
from harness.coordinator.recipe import Recipe
from harness.errors import UsageError

#: Stands in for uv: writes down what it is asked, installs every `name==version` as metadata alone, and
#: answers `uv pip install` by the lines of the file `answers`, one a call, where there are any.
FAKE = f"""#!{sys.executable}
import json, sys, sysconfig
from pathlib import Path
here, words = Path(__file__).parent, sys.argv[1:]
files = {{p.name: p.read_text().split("\\n") for p in Path.cwd().glob("*.txt")}}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([words, files]) + "\\n")
if words[0] == "venv":
    (Path(words[-1]) / "bin").mkdir(parents=True)
    (Path(words[-1]) / "bin/python").symlink_to(sys.executable)
    sys.exit()
answers = here / "answers"
first, *rest = answers.read_text().split("\\n") if answers.exists() else [""]
answers.write_text("\\n".join(rest))
if first:
    sys.exit(first)
print("Resolved 1 package in 1ms\\n + thing==1", file=sys.stderr)
base = str(Path(words[words.index("--python") + 1]).parent.parent)
site = Path(sysconfig.get_path("purelib", scheme="venv", vars={{"base": base, "platbase": base}}))
site.mkdir(parents=True)
for name, equal, version in (line.partition("==") for line in files["requirements.txt"]):
    version = version.removesuffix(".0")
    if equal:
        (site / f"{{name}}-{{version}}.dist-info").mkdir()
        text = f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: {{version}}\\n"
        (site / f"{{name}}-{{version}}.dist-info/METADATA").write_text(text)
"""
CONFLICT = "No solution found when resolving dependencies: a and b conflict"


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "environments"


class FakeUv:
    def __init__(self, folder):
        self.folder = folder
        (folder / "uv").write_text(FAKE)
        (folder / "uv").chmod(0o755)

    def answers(self, *lines):
        (self.folder / "answers").write_text("\n".join(lines))

    @property
    def installs(self):
        """The words and the files of each `uv pip install`."""
        path = self.folder / "calls"
        calls = (
            [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        )
        return [call for call in calls if call[0][0] == "pip"]


@pytest.fixture
def uv(tmp_path, monkeypatch, own_cache):
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    return FakeUv(folder)


@pytest.fixture
def installed(distribution):
    """The plugin `mine`, whose framework is not installed here."""
    distribution(
        "my-plugins",
        {"mine": "my_module"},
        framework="spiky = spiky-nets",
        requires=["spiky-nets>=2"],
        modules={"my_module": ""},
    )


def chosen(*patterns):
    return select(patterns, discover(), versions=True)


def recipe(**changes):
    fields = {"python": "3", "requirements": ("thing==1",), "constraints": (), "pin": ""}
    return Recipe(**{**fields, "links": (), **changes})


@pytest.mark.usefixtures("installed")
def test_each_version_has_an_environment_of_its_own_and_is_built_once(uv, heard, own_cache):
    patterns = ("mine@1.5", "mine@2.5", "mine@1.5.0")
    first, second = in_environments(chosen(*patterns), False, heard)
    assert [p.label for p in (first, second)] == ["mine@1.5", "mine@2.5"]
    assert [p.framework_version for p in (first, second)] == ["1.5", "2.5"]
    assert {p.status for p in (first, second)} == {"ready"}
    assert first.interpreter != second.interpreter
    assert Path(first.interpreter).is_relative_to(own_cache)
    built = len(uv.installs)
    assert in_environments(chosen(*patterns), False, heard) == [first, second]
    assert len(uv.installs) == built
    # The requirement that the version contradicts is told, and overridden.
    assert len([m for m in heard.messages if "my-plugins asks for spiky-nets>=2" in m]) == 4
    assert uv.installs[0][1]["overrides.txt"] == ["spiky-nets==1.5"]
    known = facts([first, second])["environments"]
    assert "spiky-nets==1.5" in known["mine@1.5"]["packages"]
    assert "spiky-nets==2.5" in known["mine@2.5"]["packages"]


@pytest.mark.usefixtures("installed", "uv")
def test_without_isolate_only_a_version_has_an_environment(heard):
    (plain,) = in_environments(chosen("mine"), False, heard)
    assert (plain.interpreter, plain.status) == ("", "missing")
    assert facts([plain]) == {}
    (isolated,) = in_environments(chosen("mine"), True, heard)
    assert isolated.interpreter
    assert (isolated.status, isolated.label) == ("ready", "mine")


def test_what_conflicts_with_the_versions_of_here_has_fewer_of_them(uv, heard):
    made = recipe(constraints=("other==1", "torch==2"))
    uv.answers(CONFLICT, "")
    provide(made, "mine", heard)
    assert [files["constraints.txt"] for _, files in uv.installs] == [
        ["other==1", "torch==2"], ["torch==2"],
    ]  # fmt: skip
    assert "of torch, torchvision, numpy alone" in heard.messages[0]


def test_what_nothing_satisfies_is_one_line(uv, heard):
    uv.answers(*[CONFLICT] * 3)
    with pytest.raises(UsageError, match=f"environment of mine cannot be built: {CONFLICT}"):
        provide(recipe(), "mine", heard)
    assert len(uv.installs) == 3


def test_without_a_network_the_cache_of_uv_is_tried(uv, heard, own_cache):
    uv.answers("error: Failed to fetch: https://example.org/thing/", "")
    provide(recipe(), "mine", heard)
    assert ["--offline" in words for words, _ in uv.installs] == [False, True]
    away = f"{CONFLICT} because there is no version of thing==1"
    uv.answers("error: Failed to fetch: https://example.org/thing/", away)
    with pytest.raises(UsageError, match="no network; from what uv has cached: No solution found"):
        provide(recipe(python="4"), "mine", heard)
    assert len(uv.installs) == 4  # other versions than those of here would not help


def test_what_was_interrupted_is_built_anew(uv, heard):
    folder = provide(recipe(), "mine", heard)
    (folder / "environment.json").unlink()
    assert provide(recipe(), "mine", heard) == folder
    assert len(uv.installs) == 2


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"packages"', "\xff"])
def test_one_whose_last_file_is_damaged_is_built_anew(uv, heard, damage):
    folder = provide(recipe(), "mine", heard)
    (folder / "environment.json").write_bytes(damage.encode("latin-1"))
    assert provide(recipe(), "mine", heard) == folder
    assert len(uv.installs) == 2
    assert json.loads((folder / "environment.json").read_text())["packages"] == ["thing==1"]


def test_its_last_file_is_whole_or_not_there(uv, heard, own_cache, monkeypatch):
    def full(_partial, _path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(UsageError, match=r"cannot keep .*of mine in .* \(No space left on dev"):
            provide(recipe(), "mine", heard)
    assert not list(own_cache.glob("*/*environment.json*"))
    assert provide(recipe(), "mine", heard)


@pytest.mark.usefixtures("uv")
def test_a_cache_that_cannot_be_written_is_one_line_that_says_what_to_set(
    tmp_path, monkeypatch, heard
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"mine in .*file/environments \(.*: set HARNESS_CACHE"):
        provide(recipe(), "mine", heard)


@pytest.mark.usefixtures("own_cache")
def test_without_uv_the_line_says_how_to_get_it(monkeypatch, tmp_path, heard):
    monkeypatch.setattr(shutil, "which", lambda *_names, **_options: None)
    with pytest.raises(UsageError, match=r"need uv: pip install uv"):
        provide(recipe(), "mine", heard)


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_the_real_uv_installs_and_the_source_is_linked(tmp_path, monkeypatch, own_cache, heard):
    wheels, source = tmp_path / "wheels", tmp_path / "source" / "linked"
    wheels.mkdir()
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("value = 7")
    info = "thing-1.0.dist-info"
    with zipfile.ZipFile(wheels / "thing-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing.py", "value = 6")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"thing.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    for name, value in {
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(wheels),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }.items():
        monkeypatch.setenv(name, value)
    made = recipe(
        requirements=("thing==1.0",), constraints=("thing==3", "torch==2"), links=(str(source),)
    )
    folder = provide(made, "mine", heard)
    code = "import thing, linked; print(thing.value, linked.value)"
    run = subprocess.run(
        [folder / "bin/python", "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "6 7\n"
    assert json.loads((folder / "environment.json").read_text())["packages"] == ["thing==1.0"]
    assert len(heard.messages) == 1  # thing==3 was given up
    with pytest.raises(UsageError, match="absent"):
        provide(recipe(requirements=("absent==1",)), "mine", heard)
