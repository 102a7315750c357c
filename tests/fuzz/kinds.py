"""What is damaged, and who reads it: a file of a run's folder, or a configuration file."""

from __future__ import annotations

import os

import harness
from harness.config.file import read_config
from harness.config.options import RunConfig, make_config
from harness.coordinator.command import Command
from harness.coordinator.listener import Listener
from harness.errors import InvalidOutput, UsageError
from harness.report.closing import closing_lines
from harness.report.terminal import terminal_tables
from harness.results.store import RECORDS, RUN, RunFolder
from harness.runs.folders import check_links
from harness.runs.run import load
from tests.fuzz.damage import TOML, changed, changed_header, changed_line, changed_value, damaged

CONFIG = "bench.toml"


def report(folder):
    """As `harness report`."""
    run = load(folder)
    run.report(figures=False)
    list(terminal_tables(run.description, run.records, 100, run.answers))
    lines = [*run.problems, *closing_lines(run.records, run.sessions, run.answers)]
    assert all(line.isprintable() for line in lines), lines
    assert run.frame is not None
    assert run.summary is not None


def resume(folder):
    """As `harness run --resume` and `--config run.json`, up to the plugins, which they would execute."""
    read_config(folder / RUN)
    described = RunFolder.open(folder, "networks").description()
    check_links(folder)
    if described.sessions:
        last = described.sessions[-1]
        config = make_config(RunConfig, last.config)
        Command(folder, Listener(), "", RunFolder(folder), False, last.folder).here(config)


def config(folder):
    """As `harness run --config`."""
    options = read_config(folder / CONFIG)
    options.pop("out", None)
    make_config(RunConfig, {"plugins": ("all",), **options})


def times(folder):
    for path in sorted((folder / "samples").iterdir()):
        RunFolder(folder).read_times(path.stem)


def state(folder):
    """As a worker that loads a trained network."""
    import torch

    from harness.worker.state import restore

    for path in sorted((folder / "state").iterdir()):
        restore(torch.nn.Linear(64, 10), str(path))


#: By kind: the files, how their text or bytes are changed, and what reads them.
KINDS = {
    "records": (RECORDS, changed_line, [report]),
    "run": (RUN, changed, [report, resume]),
    "config": (CONFIG, changed_value, [config]),
    "samples": ("samples/*", changed, [report, times]),
    "state": ("state/*", changed_header, [state]),
    "predictions": ("predictions/*", changed_header, [report]),
}
BINARY = {"state", "predictions"}


def make(folder):
    """A sound run, and a configuration file beside it."""
    plugin = os.path.join(os.path.dirname(os.path.dirname(__file__)), "faults", "plugin.py")  # noqa: PTH118, PTH120
    harness.run(
        [plugin], params={"plugin": {"epochs": [1, 2]}}, seeds=(0, 1), limit=60, rounds=6,
        min_time=0.001, device="cpu", out=folder,
    )  # fmt: skip
    (folder / CONFIG).write_text(TOML)


def damage(kind, folder, random):
    """Damages one file of that kind."""
    pattern, change, _ = KINDS[kind]
    path = random.choice(sorted(folder.glob(pattern)))
    content = path.read_bytes()
    if random.randrange(5) == 0:
        content = damaged(random, content)
    elif kind in BINARY:
        content = change(random, content)
    else:
        content = change(random, content.decode()).encode(errors="surrogatepass")
    path.write_bytes(content)


def read(kind, folder):
    """Reads it; whatever a reader may raise is over with this."""
    for reader in KINDS[kind][2]:
        try:
            reader(folder)
        except UsageError as error:
            assert str(error).isprintable(), error
        except InvalidOutput:
            if kind != "state":
                raise
        except ValueError as error:
            if reader is not times:
                raise
            assert str(error).isprintable(), error
