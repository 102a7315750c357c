"""What the documents say of the program, held against the program.

`python tests/test_docs.py` writes the tables of metrics in docs/metrics.md again.
"""

import json
import re
from functools import partial
from pathlib import Path

import click
import pytest

import harness
from harness.cli import cli
from harness.results.metrics import of

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "results/README.md")
    if path.is_file()
]
METRICS = ROOT / "docs/metrics.md"
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"<!-- metrics: ([\w -]+) -->\n(.*?)<!-- end -->", re.DOTALL)
#: Of dask, of the fuzz and of benchmarks.
FOREIGN = {
    *("--memory-limit", "--resources", "--seconds", "--layers"),
    *("--accuracy", "--drift", "--layout", "--repeat", "--rows", "--spread"),
}

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))


def options(*commands):
    """The long options of `commands`, of all where none is named."""
    return {
        option
        for name, command in cli.commands.items()
        if name in (commands or cli.commands)
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }


def named_options(document):
    text = (ROOT / "docs" / document).read_text()
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def docs_table(*kinds):
    """The Markdown table of the metrics that records of these kinds hold."""
    lines = [
        "| metric | unit | better | over seeds | what it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for metric in of(*kinds):
        cells = (f"`{metric.name}`", metric.unit, metric.better or "-", metric.combine)
        lines.append(f"| {' | '.join(cells)} | {metric.meaning} |")
    return "\n".join(lines) + "\n"


def write_tables():
    text = METRICS.read_text()
    METRICS.write_text(
        TABLE.sub(
            lambda match: (
                f"<!-- metrics: {match[1]} -->\n{docs_table(*match[1].split())}<!-- end -->"
            ),
            text,
        )
    )


def test_the_tables_of_metrics_are_the_registrys():
    tables = TABLE.findall(METRICS.read_text())
    assert [kinds for kinds, _ in tables] == [
        "trial", "network-timing", "layer-proof", "layer-timing", "peaks"
    ]  # fmt: skip
    for kinds, table in tables:
        assert table == docs_table(*kinds.split()), "run: python tests/test_docs.py"


@each_document
def test_every_option_that_is_named_exists(path):
    prose = FENCE.sub("", path.read_text())
    named = {
        word
        for code in re.findall(r"`(--[^`\n]*)`", prose)
        for word in re.findall(r"--[a-z][a-z-]*", code)
    }
    assert named - FOREIGN <= options() | {"--help", "--version"}


@pytest.mark.parametrize(
    ("command", "document"),
    [
        ("run", "user-guide.md"),
        ("layers", "layers.md"),
        ("compare", "ci.md"),
        ("history", "ci.md"),
        ("merge", "ci.md"),
        ("log", "exports.md"),
        ("export", "exports.md"),
    ],
)
def test_every_option_is_named(command, document):
    assert options(command) <= named_options(document)


@each_document
def test_relative_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", FENCE.sub("", path.read_text()))
    lost = [to for to in links if "://" not in to and not (path.parent / to).exists()]
    assert not lost


@each_document
def test_tables_are_whole(path):
    """A line of cells needs a head: a blank line in the middle of a table ends it."""
    headless = []
    above = ["", ""]
    for number, line in enumerate(FENCE.sub("", path.read_text()).splitlines(), start=1):
        first = line.startswith("|") and not above[-1].startswith("|")
        rule = re.fullmatch(r"\|( *:?-+:? *\|)+", line)
        if first:
            headless.append((number, line))
        elif rule and headless and headless[-1][0] == number - 1:
            headless.pop()
        above.append(line)
    assert not headless


@pytest.mark.native
def test_the_tutorial_runs_as_it_stands():
    pytest.importorskip("torch")
    pytest.importorskip("harness_native")
    cells = json.loads((ROOT / "docs/tutorials/first-comparison.ipynb").read_text())["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert set(names["summary"]["plugin"]) == {"ann-relu", "native-bptt"}
    assert len(names["widths"].rows) == 2


@pytest.mark.native
def test_the_tutorial_of_tuning_runs_as_it_stands(tmp_path, monkeypatch, capfd):
    """Its study, with two trials on a few samples; nothing but Optuna prints."""
    pytest.importorskip("torch")
    pytest.importorskip("harness_native")
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    optuna.logging.disable_default_handler()
    text = (ROOT / "docs/tutorials/tuning.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    assert "n_trials=20" in code
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(harness, "run", partial(harness.run, limit=40))
    names: dict[str, object] = {}
    exec(code.replace("n_trials=20", "n_trials=2"), names)
    assert [trial.state.name for trial in names["study"].trials] == ["COMPLETE"] * 2
    assert len(list((tmp_path / "results").iterdir())) == 2
    assert capfd.readouterr() == ("", "")


def test_every_page_is_reached_from_the_readme_by_links():
    reached, ahead = set(), {ROOT / "README.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", FENCE.sub("", page.read_text()))
        there = {(page.parent / to).resolve() for to in links if "://" not in to}
        ahead |= {to for to in there if to.suffix in {".md", ".ipynb"} and to.is_file()} - reached
    pages = {*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/tutorials").iterdir()}
    # The site's own: its index, and the pages of it that are files beside the documentation.
    own = {path for path in pages if path.stem == "index" or len(path.read_text().split()) < 10}
    assert pages - own - reached == set()


def test_every_page_of_the_site_is_in_its_index():
    pages = {
        str(path.relative_to(ROOT / "docs").with_suffix(""))
        for path in (ROOT / "docs").rglob("*")
        if path.suffix in {".md", ".ipynb"}
        and not {"_build", "examples"} & set(path.relative_to(ROOT / "docs").parts)
    }
    named = set(re.findall(r"^[\w/-]+$", (ROOT / "docs/index.md").read_text(), re.MULTILINE))
    assert pages - {"index"} == named


if __name__ == "__main__":
    write_tables()
