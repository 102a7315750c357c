import ast
import importlib.metadata
import io
import json
import os
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.catalogue.metrics import discover_metrics
from harness.catalogue.tasks import discover_tasks
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


def test_a_new_plugin_learns_digits(harness, tmp_path, learned):
    harness("new-plugin", "begun")
    assert learned(tmp_path / "begun.py", "digits") > 0.9


def test_a_new_task_is_short_and_can_be_learned(harness, tmp_path, learned):
    harness("new-plugin", "begun")
    code, out, _ = harness("new-plugin", "my-task", "--task")
    assert code == 0
    assert out.splitlines() == [
        "wrote my-task.py",
        "next: harness tasks my-task.py, then: harness new-plugin my-plugin, "
        "then: harness run --plugins my-plugin.py --task my-task.py",
    ]
    assert 15 < len(lines_of_code((tmp_path / "my-task.py").read_text())) <= 60
    assert learned(tmp_path / "begun.py", "my-task.py") > 0.9


@pytest.fixture
def learned(cache):
    """The validation accuracy of a plugin's file on a task, trained for 3 epochs in this process."""
    torch = pytest.importorskip("torch")
    from harness.catalogue.tasks import find_task
    from harness.plugin import Params
    from harness.subjects import PluginLocation
    from harness.tasks.prepare import prepare_task
    from harness.worker.data import load
    from harness.worker.evaluate import answer
    from harness.worker.hooks import Hooks
    from harness.worker.task_hook import TaskHook
    from harness.worker.train import seed_everything, train

    def accuracy(file, task):
        torch.set_num_threads(1)
        cpu = torch.device("cpu")
        hooks = Hooks(PluginLocation("begun", file=str(file)))
        location = find_task(task).location
        spec = TaskHook(location.place).find(location.name, location.options)
        path = prepare_task(spec, [], cache, lambda _: None, code=location.digest).path
        data = load(spec.name, str(path), cpu)
        params = Params(**hooks.presets().resolve("quick", spec.name, {"epochs": 3}))
        seed_everything(0)
        model = hooks.build_model(data.task, params, cpu)
        train(hooks, model, params, data.train, 0, lambda _: None)
        return answer(hooks, model, data.validation, data.task.classes).accuracy(data.validation)

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


def test_a_new_metric_is_short_and_declared_and_right(harness, tmp_path):
    np = pytest.importorskip("numpy")
    pytest.importorskip("torch")
    from harness.metrics.computing import compute
    from harness.plugin import Evidence

    code, out, _ = harness("new-plugin", "my-metric", "--metric")
    assert code == 0
    assert out.splitlines() == [
        "wrote my-metric.py",
        "next: harness metrics my-metric.py, then: harness new-plugin my-plugin, "
        "then: harness run --plugins my-plugin.py --metrics my-metric.py",
    ]
    text = (tmp_path / "my-metric.py").read_text()
    assert 15 < len(lines_of_code(text)) <= 60
    code, out, _ = harness("metrics", "my-metric.py", "--json")
    told = json.loads(out)
    assert code == 0 and told["problems"] == {}
    (row,) = told["metrics"]
    assert (row["name"], row["title"], row["changes"]) == ("my_metric", "My metric", {})
    space = {}
    exec(text, space)
    (spec,) = space["harness_metrics"]()
    scores = np.array([[3.0, 2, 1], [3, 2, 1], [3, 2, 2], [0, 0, 0]], np.float32)
    labels = np.array([0, 1, 1, 2])  # ranks 1, 2, 3 (shared) and 3
    evidence = Evidence(labels, scores.argmax(1), scores.argmax(1)[None], scores, 3)
    assert compute(spec, evidence).value == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 3) / 4)
    two = Evidence(labels[:2], labels[:2], labels[None, :2], scores[:2, :2], 2)
    assert "no more than the accuracy" in compute(spec, two).absent


@pytest.mark.parametrize(
    ("kind", "look", "discover"),
    [("task", "tasks", discover_tasks), ("metric", "metrics", discover_metrics)],
)
def test_a_package_of_a_task_or_a_metric_is_found_and_passes_its_tests(
    harness, distribution, tmp_path, kind, look, discover
):
    name, module = f"begun-{kind}", f"begun_{kind}"
    code, out, _ = harness("new-plugin", name, f"--{kind}", "--package")
    folder = tmp_path / name
    assert code == 0 and f"then: harness {look} {name}" in out
    for path in folder.rglob("*"):
        assert path.is_dir() or "$" not in path.read_text(), f"{path} was not filled in"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {f"harness.{kind}": {name: f"{module}.{kind}"}}
    (need,) = map(Requirement, project["dependencies"])
    assert need.name == "snn-harness" and not need.extras
    workflow = (folder / ".github/workflows/check.yml").read_text()
    assert f"run: harness {look} {name}" in workflow
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests")],
        env={
            **os.environ,
            "PYTHONPATH": str(folder / "src"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    sources = {f"{module}.{p.stem}": p.read_text() for p in (folder / "src" / module).glob("*.py")}
    points = {f"{kind}s": project["entry-points"][f"harness.{kind}"]}
    distribution(name, modules=sources, **points)
    (found,) = [each for each in discover() if each.name == name]
    assert (found.status, found.distribution) == ("ready", name)


@pytest.mark.parametrize("words", [["precious"], ["precious", "--package"], ["precious", "--task"]])
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
        ("class", "'class' is a Python keyword"),
        ("torch", "there is a module 'torch' already, which torch.py would hide"),
        ("json", "there is a module 'json' already"),
        ("harness", "there is a module 'harness' already"),
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mnist", "--task"], "a task 'mnist' is installed already"),
        (["robustness", "--metric"], "a metric 'robustness' is installed already"),
        (["test-accuracy", "--metric"], "a metric 'test-accuracy' is installed already"),
        (["calibration-error", "--metric"], "a metric 'calibration-error' is installed already"),
        (["sparsity", "--metric"], "a metric 'sparsity' is installed already"),
        (["x", "--metric"], "a metric's name has 2 to 48 characters"),
        (["my-task.py", "--task"], "give the task's, my-task"),
        (["My-Task", "--task"], "as in my-task"),
        (["both", "--task", "--metric"], "write one after the other"),
    ],
)
def test_names_of_tasks_and_metrics_are_checked_too(harness, tmp_path, words, told):
    code, _, err = harness("new-plugin", *words)
    assert code == 2 and told in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(harness, tmp_path, monkeypatch):
    write = Path.open

    def refuse(path, *arguments, **options):
        if path.name == "mine.py":
            raise PermissionError(13, "Permission denied")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    code, _, err = harness("new-plugin", "mine")
    assert code == 2 and err == "harness: cannot write mine.py: Permission denied\n"
