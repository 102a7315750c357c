"""The import rules of the house: CONTRIBUTING.md describes the rooms."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: What both sides know: facts, messages, and the room for authors.
FACTS = {
    "errors", "author_errors", "arrays", "cgroup", "cores",
    "plugin", "subjects", "protocol", "catalogue",
}  # fmt: skip
MAY_IMPORT = {
    "errors": set(),
    "author_errors": {"errors"},
    "arrays": set(),
    "cgroup": set(),
    "cores": {"cgroup"},
    "plugin": {"errors"},
    "plugin.toolkit": {"plugin", "errors"},
    "subjects": {"plugin", "errors"},
    "protocol": {"plugin", "errors", "subjects"},
    "catalogue": {"plugin", "errors", "subjects"},
    "tasks": FACTS,
    "metrics": FACTS,
    "measure": FACTS,
    "worker": FACTS | {"tasks", "measure", "metrics"},
    "results": FACTS,
    "config": FACTS | {"results"},
    "report": FACTS | {"results"},
    "runs": FACTS | {"config", "results", "report"},
    # The descriptions of tasks are facts too; their arrays are read by a worker alone.
    "coordinator": FACTS
    | {"config", "results", "report", "runs", "tasks", "metrics"}
    | {"coordinator.group", "coordinator.processes"},
    "coordinator.group": {"coordinator.processes", "protocol", "results"},
    "coordinator.processes": {"errors", "protocol", "catalogue"},
    "cli": FACTS
    | {"config", "results", "report", "runs", "coordinator", "coordinator.processes", "tasks"},
    "__init__": {"errors", "plugin", "runs", "coordinator"},  # the face of the package
    "__main__": {"cli"},
    "pytest_plugin": FACTS | {"coordinator"},  # the command `check` for authors' tests
}
TORCH = {"torch", "torchvision"}
TORCH_ROOMS = {"worker", "measure", "plugin.toolkit"}
FRAMEWORKS = {"snntorch", "spikingjelly", "norse", "sinabs"}


def imports(path, *, on_import=False):
    """The modules that a file imports; with `on_import`, only what it needs to be imported itself."""

    def walk(node):
        for child in ast.iter_child_nodes(node):
            typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                yield from (f"{child.module}.{alias.name}" for alias in child.names)
            elif not (on_import and (typing_only or function)):
                yield from walk(child)

    return set(walk(ast.parse(path.read_text())))


def room(module):
    """The room that holds a module of the host; a room within a room, where it has rules of its own."""
    parts = module.split(".")[1:]
    inner = ".".join(parts[:2])
    return inner if inner in MAY_IMPORT else parts[0]


def host_files():
    for path in sorted((ROOT / "harness").rglob("*.py")):
        yield path, room(".".join(path.relative_to(ROOT).with_suffix("").parts))


def test_the_hosts_imports_run_downhill():
    uphill = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path, own in host_files()
        for module in sorted(imports(path))
        if module.startswith("harness.") and room(module) not in MAY_IMPORT[own] | {own}
    ]
    assert not uphill, "\n".join(uphill)


def test_the_host_imports_no_plugin_no_framework_and_torch_only_in_a_worker():
    wrong = []
    for path, own in host_files():
        tops = {module.partition(".")[0] for module in imports(path)}
        wrong += [
            (path.name, top) for top in tops if top in FRAMEWORKS or top.startswith("harness_")
        ]
        at_once = {module.partition(".")[0] for module in imports(path, on_import=True)}
        if own not in TORCH_ROOMS:
            wrong += [(str(path.relative_to(ROOT)), top) for top in at_once & TORCH]
    assert not wrong


def test_a_plugin_imports_itself_and_what_is_for_authors():
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / "plugins").rglob("*.py"))
        for module in sorted(imports(path))
        if module.partition(".")[0].startswith("harness")
        and not f"{module}.".startswith(("harness.plugin.", f"{path.relative_to(ROOT).parts[3]}."))
    ]
    assert not wrong, "\n".join(wrong)
