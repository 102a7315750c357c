"""The commands and the code that documents show, held against the program: names, options, arguments."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest

import harness
from harness.catalogue.tasks import BUILT_IN, split_tasks
from harness.cli import cli
from harness.config.file import read_config

ROOT = Path(__file__).parent.parent
#: Of earlier versions, the changelog and the reports of runs tell too.
DOCUMENTS = [
    path
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("plugins/*/README.md"),
        ROOT / "results/README.md",
    )
    if path.is_file() and path.name != "CHANGELOG.md"
]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}.*\n)+", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
#: What ends a command in a shell.
ENDS = {"|", "||", "&", "&&", ">>"}

each_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def announced(group):
    """The names that our distributions announce in a group, installed here or not."""
    projects = [tomllib.loads(path.read_text()) for path in ROOT.glob("plugins/*/pyproject.toml")]
    return {name for each in projects for name in each["project"]["entry-points"].get(group, {})}


NAMES = {
    "plugins": announced("harness") | announced("harness.layer"),
    "task": announced("harness.task") | set(BUILT_IN),
}


def blocks(path, *languages):
    return [code for language, code in FENCED.findall(path.read_text()) if language in languages]


def commands(path, program):
    """The words that follow `program` in every command of it that a document shows."""
    prose = FENCED.sub("", path.read_text())
    shown = "\n".join([*blocks(path, "", "bash", "yaml"), *INDENTED.findall(prose)])
    # What stands two blanks behind a command says what it does.
    lines = [
        re.split("  +", re.sub("  +(?=--)", " ", line.strip()))[0]
        for line in shown.replace("\\\n", " ").splitlines()
    ]
    for line in [*lines, *INLINE.findall(prose.replace("\\|", "|"))]:
        command = re.sub(r"^(?:&& |\(|uvx? (?:run |--with tox-uv ))+", "", line)
        if command.startswith(f"{program} "):
            words = shlex.split(command, comments=True)[len(program.split()) :]
            yield words[: next((n for n, word in enumerate(words) if word in ENDS), None)]


@each_document
def test_every_command_of_the_harness_is_one_of_the_program(path):
    for name, *words in commands(path, "harness"):
        if name == "--help":
            continue
        command = cli.commands[name]
        context = click.Context(command)
        if words and words[-1].startswith("--") and "=" not in words[-1]:
            words.append("a value")  # of an option that is named alone
        values, left, _ = command.make_parser(context).parse_args([w for w in words if w != "..."])
        assert set(left) <= {"a value"}, f"{name} {words}"
        for parameter in command.params:
            if isinstance(parameter.type, click.Choice):
                parameter.type_cast_value(context, values.get(parameter.name))
        for option in values.keys() & NAMES.keys() if name in {"run", "layers"} else ():
            for pattern in split_tasks(",".join(values[option])):
                plain = re.split("[@:]", pattern)[0]
                ours = any(fnmatchcase(one, plain) for one in NAMES[option])
                placeholder = plain != plain.lower()
                assert ours or placeholder or plain == "all" or plain.endswith(".py"), pattern


@each_document
def test_every_module_that_is_run_takes_the_options_that_are_shown(path):
    for module, *words in commands(path, "python -m"):
        if module.startswith("tests."):
            place = ROOT / module.replace(".", "/")
            source = (
                place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
            ).read_text()
            asked = {word.strip("[]") for word in words if word.strip("[").startswith("--")}
            assert all(f'"{option}"' in source for option in asked), f"{module} {asked}"


@each_document
def test_every_environment_of_tox_exists(path):
    there = (ROOT / "tox.ini").read_text()
    for words in commands(path, "tox -e"):
        assert re.search(rf"\b{words[0].split('-')[-1]}\b:?", there), words


@each_document
def test_code_imports_and_calls_what_there_is(path):
    for code in blocks(path, "python"):
        if "toolkit" in code:
            pytest.importorskip("torch")
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "harness":
                exec(ast.unparse(node))
            elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("harness."):
                function = getattr(harness, node.func.attr)
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                inspect.signature(function).bind(*node.args, **given)


@each_document
def test_settings_are_those_of_a_configuration_file_or_of_a_package(path, tmp_path):
    for text in blocks(path, "toml"):
        settings = tomllib.loads(text)
        if "project" in settings:
            groups = settings["project"]["entry-points"].keys()
            known = {
                "harness",
                *(f"harness.{k}" for k in ("framework", "layer", "metric", "preload", "task")),
            }
            assert groups <= known
        else:
            (tmp_path / "bench.toml").write_text(text)
            assert read_config(tmp_path / "bench.toml").keys() >= {"plugins", "seeds"}
