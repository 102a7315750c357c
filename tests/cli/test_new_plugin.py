import ast
import importlib.metadata
import io
import json
import tokenize
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.plugin.hookspecs import CONTRACT


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lines_of_code(text):
    """The lines that hold more than comments and docstrings."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    layout |= {tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0] for token in tokens if token.type not in layout} - docstrings


def test_a_new_plugin_is_short_and_passes_the_suite_as_it_is(harness, tmp_path):
    pytest.importorskip("torch")
    code, out, _ = harness("new-plugin", "my-plugin")
    assert code == 0
    assert out.splitlines() == [
        "wrote my-plugin.py",
        "next: harness check my-plugin.py, then: harness run --plugins my-plugin.py",
    ]
    text = (tmp_path / "my-plugin.py").read_text()
    assert 20 < len(lines_of_code(text)) <= 60
    assert f'HARNESS_CONTRACT = "{CONTRACT}"' in text
    code, out, err = harness("check", "my-plugin.py", "--quick", "--json")
    results = {result["check"]: result for result in json.loads(out)}
    assert code == 0, [r for r in results.values() if r["status"] == "failed"] or err
    assert {name for name, r in results.items() if r["status"] != "ok"} <= {"devices"}


def test_a_new_plugin_learns_digits(harness, tmp_path, digits):
    harness("new-plugin", "begun")
    assert digits(tmp_path / "begun.py") > 0.9


@pytest.fixture
def digits(cache):
    """The validation accuracy on digits of a plugin's file, trained for 3 epochs in this process."""
    torch = pytest.importorskip("torch")
    from harness.plugin import Params
    from harness.subjects import PluginLocation
    from harness.tasks.prepare import prepare
    from harness.worker.data import load
    from harness.worker.evaluate import answer
    from harness.worker.hooks import Hooks
    from harness.worker.train import seed_everything, train

    def accuracy(file):
        torch.set_num_threads(1)
        cpu = torch.device("cpu")
        hooks = Hooks(PluginLocation("begun", file=str(file)))
        data = load("digits", str(prepare("digits", [], cache, lambda _: None)[0]), cpu)
        params = Params(**hooks.presets().resolve("quick", "digits", {"epochs": 3}))
        seed_everything(0)
        model = hooks.build_model(data.task, params, cpu)
        train(hooks, model, params, data.train, 0, lambda _: None)
        return answer(hooks, model, data.validation, 10).accuracy(data.validation)

    return accuracy


def test_a_package_has_all_that_it_needs(harness, tmp_path):
    code, out, _ = harness("new-plugin", "my-plugin", "--package")
    folder = tmp_path / "my-plugin"
    assert code == 0 and "next: pip install -e ./my-plugin" in out
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    (point,) = project["entry-points"]["harness"].items()
    assert point == ("my-plugin", "my_plugin.plugin")
    assert (folder / "src" / "my_plugin" / "__init__.py").exists()
    (need,) = map(Requirement, project["dependencies"])
    assert need.name == "snn-harness"
    assert need.specifier.contains(importlib.metadata.version("snn-harness"), prereleases=True)
    assert (folder / project["readme"]).exists()
    assert 'harness_check("my-plugin")' in (folder / "tests/test_plugin.py").read_text()
    workflow = (folder / ".github/workflows/check.yml").read_text()
    assert "run: pytest" in workflow and "harness check my-plugin" in workflow
    harness("new-plugin", "other")
    file = (tmp_path / "other.py").read_text()
    package = (folder / "src/my_plugin/plugin.py").read_text()
    _, _, code_of_file = file.partition("\nimport torch")
    _, _, code_of_package = package.partition("\nimport torch")
    assert code_of_file == code_of_package != ""
    for path in folder.rglob("*"):
        assert path.is_dir() or "$" not in path.read_text(), f"{path} was not filled in"


@pytest.mark.parametrize("words", [["precious"], ["precious", "--package"]])
def test_nothing_is_overwritten(harness, tmp_path, words):
    existing = tmp_path / ("precious/README.md" if "--package" in words else "precious.py")
    existing.parent.mkdir(exist_ok=True)
    existing.write_text("precious")
    code, _, err = harness("new-plugin", *words)
    assert code == 2 and "exists already, and is not overwritten" in err
    assert err.count("\n") == 1
    assert existing.read_text() == "precious"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [existing]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("My-Plugin", "use small letters"),
        ("2fast", "use small letters"),
        ("a/b", "use small letters"),
        ("..", "use small letters"),
        ("", "use small letters"),
        ("a--b", "use small letters"),
        ("class", "use small letters"),
        ("all", "use small letters"),
        ("mine.py", "give the plugin's, mine"),
    ],
)
def test_a_bad_name_is_refused_in_one_line(harness, tmp_path, name, told):
    code, _, err = harness("new-plugin", name)
    assert code == 2 and told in err
    assert err.startswith("harness: ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_is_refused(harness, distribution, tmp_path):
    distribution("my-dist", {"taken": "mod_one"}, modules={"mod_one": ""})
    code, _, err = harness("new-plugin", "taken")
    assert code == 2 and "'taken' is installed already" in err
    code, _, err = harness("new-plugin", "json", "--package")
    assert code == 2 and "there is a module 'json' already" in err


def test_a_folder_that_cannot_be_written_is_told(harness, tmp_path, monkeypatch):
    write = Path.open

    def refuse(path, *arguments, **options):
        if path.name == "mine.py":
            raise PermissionError(13, "Permission denied")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    code, _, err = harness("new-plugin", "mine")
    assert code == 2 and err == "harness: cannot write mine.py: Permission denied\n"
