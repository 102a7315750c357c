"""README's table and that of docs/experiments.md are the reference runs', and the plugins shown learn.

`python tests/test_readme.py` writes the tables again.
"""

from __future__ import annotations

import re
from pathlib import Path
from statistics import mean, median

import pytest

import harness
from harness.report.notebook import short_table
from harness.report.numbers import ABSENT
from harness.report.rows import network_rows
from harness.report.sources import against_sources
from harness.report.words import unequal_steps
from harness.results.statistics import single_run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
EXPERIMENTS = ROOT / "docs/experiments.md"
TABLE = re.compile(r"<!-- (reference-\w+|sources|took) -->\n(.*?)<!-- end -->", re.DOTALL)
COLUMNS = ("Row", "Test accuracy", "Latency", "Effective ops", "Sparsity", "Training time")


def table(name):
    """The short table of a reference run, or what came out of the original experiments."""
    if name == "sources":
        return sources_table()
    if name == "took":
        return took(harness.load(ROOT / "results/reference-digits"))
    rows = harness.load(ROOT / "results" / name).rows
    lines = short_table(rows)[list(COLUMNS)].to_numpy()
    return f"{markdown(COLUMNS, lines)}\n{unequal_steps(network_rows(rows), len(rows))}\n"


def took(run):
    """What the digits run took, on which machine, and how much of it was training."""
    (session,) = run.sessions
    parts = {name: round(seconds) for name, seconds in session.wall_seconds.items()}
    stages = [trial.stages for trial in run.records if trial.kind == "trial"]
    share = sum(each["train"] for each in stages) / sum(sum(each.values()) for each in stages)
    told = ", ".join(f"{name} {seconds}" for name, seconds in parts.items())
    machine = session.environment
    return (
        f"On {machine['cores']} cores of an {machine['cpu']} that others share, the table below took "
        f"{sum(parts.values())} s ({told}); {100 * share:.0f} % of what the trials' processes worked "
        "is training.\n"
    )


def sources_table():
    columns = ("Plugin", "Setting", "Source reports", "Ours", "Seeds", "One run of ours", "")
    lines = []
    for folder in sorted((ROOT / "results").glob("reference-source-*")):
        rows = network_rows(harness.load(folder).rows)
        compared = against_sources(rows)
        trials = {setting_of(row.row): len(row.trials) for row in rows}
        for line in compared.lines if compared else ():
            plugin, setting, reported, ours, _, one, _ = line
            if reported.value in ("", ABSENT):
                continue
            told = "holds it" if one.remark else "" if one.value == ABSENT else "does not hold it"
            cells = (plugin.value, setting.value, reported.value, f"{ours.value} {ours.interval}")
            lines.append((*cells, str(trials[setting.value]), one.value, told))
    return markdown(columns, lines)


def setting_of(row):
    return " ".join([row.preset, *(f"{name}={value}" for name, value in row.swept.items())])


def markdown(columns, lines):
    head = [f"| {' | '.join(columns)} |", f"| --- |{' ---: |' * (len(columns) - 1)}"]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"


def with_tables(text):
    return TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{table(found[1])}<!-- end -->", text)


@pytest.mark.parametrize("path", [README, EXPERIMENTS], ids=lambda path: path.name)
def test_the_table_is_the_reference_runs(path):
    assert path.read_text() == with_tables(path.read_text()), "run: python tests/test_readme.py"


@pytest.mark.parametrize("path", [README, EXPERIMENTS], ids=lambda path: path.name)
def test_the_reported_accuracies_lie_as_far_from_ours_as_is_said(path):
    """Beside how many lie in an interval: how wide that is, and the distances from our means."""
    run = harness.load(ROOT / "results/reference-source-feedback")
    rows = [row for row in network_rows(run.rows) if row.has("reported_accuracy")]
    distances = [100 * abs(r.value("test_accuracy") - r.value("reported_accuracy")) for r in rows]
    held, widths = 0, []
    for row in rows:
        low, high = single_run([trial.metrics["test_accuracy"] for trial in row.trials])
        held += low <= row.value("reported_accuracy") <= high
        widths.append(100 * (min(high, 1) - max(low, 0)))
    words = re.sub(r"\s+", " ", path.read_text())
    found = re.search(
        r"(\d+) settings, three seeds each, our means are ([\d.]+) points from the "
        r"reported accuracies on average, ([\d.]+) at most; (\d+) of them lie where one run of ours falls, "
        r"an interval of ([\d.]+) points \(median\)",
        words,
    )
    assert found
    told = [len(rows), mean(distances), max(distances), held, median(widths)]
    assert [f"{value:.3g}" for value in told] == [f"{float(value):.3g}" for value in found.groups()]


@pytest.mark.native
@pytest.mark.parametrize(
    ("path", "lines"), [(README, 25), (ROOT / "docs/plugin-guide.md", 41)], ids=["readme", "guide"]
)
def test_the_first_plugin_that_is_shown_keeps_its_lines_and_learns(path, lines, tmp_path):
    torch = pytest.importorskip("torch")
    from harness.plugin import Params, Task
    from harness.subjects import PluginLocation
    from harness.worker.hooks import Hooks

    code, *_ = re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= lines
    file = tmp_path / "my_neuron.py"
    file.write_text(code)
    hooks = Hooks(PluginLocation("my_neuron", file=str(file)))
    params = Params(**hooks.presets().resolve("quick", "digits", {"lr": 0.01}))
    task, cpu = Task("digits", "classification", (1, 4, 4), 4, 64), torch.device("cpu")
    torch.manual_seed(0)
    model = hooks.build_model(task, params, cpu)
    targets = torch.arange(64) % 4
    inputs = torch.zeros(64, 1, 4, 4)
    inputs[torch.arange(64), 0, targets] = 1  # the lit line is the class
    spikes = hooks.encode(model, inputs, torch.Generator().manual_seed(0))
    for _ in range(20):
        hooks.train_step(model, spikes, targets)
    with torch.no_grad():
        scores = hooks.evaluate(model.eval(), spikes, record=False).scores
    assert (scores.argmax(-1) == targets).float().mean() > 0.9


if __name__ == "__main__":
    for document in (README, EXPERIMENTS):
        document.write_text(with_tables(document.read_text()))
