"""What do honest plugins pay for the checks? The CPU seconds of each, beside those of whole trials.

    uv run python -m tests.benchmarks.check_costs [--plugins all] [--task digits] [--preset quick]

Each trial is carried out as a run does it: in a process that is forked from one which has imported torch
and the framework, then its state is loaded in another. CPU seconds: other programs on the machine change
them, but those of the checks and of the trial alike. Forking and ending both processes is included, the
coordinator is left out. Linux only.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import json
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import process_time
from typing import Any

#: Each check, and the functions that make it.
CHECKS = {
    "round trip": ["harness.worker.train.try_round_trip"],
    "repeats, neighbours": ["harness.worker.train.examined"],
    "neuron": ["harness.worker.train.neuron_fact"],
    "wiring, outputs": [
        "harness.worker.wiring.connections", "harness.worker.wiring.operations",
        "harness.worker.wiring.feeding", "harness.worker.checks.layers",
        "harness.worker.checks.scores", "harness.worker.checks.encoded",
        "harness.worker.checks.references", "harness.worker.checks.spike_trains",
        "harness.worker.settings.check",
    ],
}  # fmt: skip
RELOAD = "reload"
TRIAL = "trial"


def main() -> None:
    """A line for each plugin: medians over the repeats."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plugins", default="all")
    parser.add_argument("--task", default="digits")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    every: list[dict[str, float]] = []
    print(f"{'plugin':30}{'trial, s':>9}{'checks':>8}   of the trial, each")
    for name, costs in costs_of(options.plugins, options.task, options.preset, options.seeds):
        if not costs:
            print(f"{name:30}  no trial finished")
            continue
        every += costs
        print(line(name, costs))
    if not every:
        sys.exit("no trial finished")
    print(line("all of them", every))


def line(name: str, costs: list[dict[str, float]]) -> str:
    """The medians of one plugin's trials, and the lowest and highest share."""
    trials = [each[TRIAL] for each in costs]
    total = sum(trials)
    shares = [100 * (sum(each.values()) / each[TRIAL] - 1) for each in costs]
    parts = ", ".join(
        f"{check} {100 * sum(each.get(check, 0) for each in costs) / total:.1f} %"
        for check in (*CHECKS, RELOAD)
    )
    share = 100 * (sum(map(sum, (each.values() for each in costs))) / total - 1)
    ends = f"({min(shares):.1f} to {max(shares):.1f})"
    return f"{name:30}{statistics.median(trials):9.3f}{share:6.1f} %   {ends:15} {parts}"


def costs_of(
    patterns: str, task: str, preset: str, seeds: int
) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """Each plugin's name, and for every seed the CPU seconds of the trial and of each check in it."""
    from harness.catalogue.plugins import discover, preloads, select
    from harness.catalogue.tasks import find_task
    from harness.config.paths import cache_folder
    from harness.tasks import find
    from harness.tasks.prepare import prepare_task

    importlib.import_module("harness.worker.preload")
    gc.collect()
    gc.freeze()
    found = find_task(task)
    data = [Path(folder) for folder in filter(None, [os.environ.get("HARNESS_DATA")])]
    arrays = prepare_task(find(found.name), data, cache_folder(), print).path
    preload = preloads()
    for plugin in select(patterns.split(","), discover()):
        if plugin.status != "ready":
            continue
        module = preload.get(plugin.framework, "")

        def of_framework(plugin: Any = plugin, module: str = module) -> list[dict[str, float]]:
            """In a process that has imported the framework."""
            if module:
                importlib.import_module(module)
                gc.collect()
                gc.freeze()
            with tempfile.TemporaryDirectory() as folder:
                return list(_trials(plugin, task, preset, seeds, str(arrays), Path(folder)))

        costs, _ = forked(of_framework)
        yield plugin.label, costs or []


def _trials(
    plugin: Any, task: str, preset: str, seeds: int, data: str, folder: Path
) -> Iterator[dict[str, float]]:
    from harness.coordinator.reload import again
    from harness.protocol.events import Trained
    from harness.protocol.requests import ReloadTrial, RunTrial
    from harness.subjects import Row, Trial

    def hooks() -> Any:
        from harness.worker.hooks import Hooks

        return Hooks(plugin.location)

    params, _ = forked(lambda: dict(hooks().presets().resolve(preset, task, {})))
    for seed in range(seeds if params else 0):
        row = Row(
            **plugin.contender("cpu", 1).model_dump(), task=task, preset=preset, params=params
        )
        request = RunTrial(
            plugin=plugin.location,
            trial=Trial(row=row, seed=seed),
            data=data,
            state=str(folder / "state"),
            predictions=str(folder / "predictions"),
        )

        def train(request: RunTrial = request) -> dict[str, Any]:
            from harness.worker.train import run_trial

            spent = timed_checks()
            trained = run_trial(request, hooks(), lambda _: None)
            return {"spent": spent, "trained": trained.model_dump(mode="json")}

        done, trial = forked(train)
        if done is None:
            return
        asked = again(request, Trained(**done["trained"]))

        def load(asked: ReloadTrial = asked) -> dict[str, Any]:
            from harness.worker.reload import reload

            return dict(reload(asked, hooks(), lambda _: None).facts)

        same, reloading = forked(load)
        if same is None:
            return
        yield {TRIAL: trial + reloading, RELOAD: reloading, **done["spent"]}


def timed_checks() -> Mapping[str, float]:
    """The CPU seconds of each check, from now on; what a check calls is not counted twice."""
    spent: Counter[str] = Counter()
    within: list[str] = []

    def timed(check: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            if within:
                return function(*args, **options)
            within.append(check)
            start = process_time()
            try:
                return function(*args, **options)
            finally:
                spent[check] += process_time() - start
                within.pop()

        return call

    importlib.import_module("harness.worker.train")
    for check, paths in CHECKS.items():
        for path in paths:
            place, _, name = path.rpartition(".")
            module = sys.modules[place]
            setattr(module, name, timed(check, getattr(module, name)))
    return spent


def forked(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` returns in a forked process (None where it fails), and its CPU seconds to its end."""
    reading, writing = os.pipe()
    start = process_time()
    pid = os.fork()
    if not pid:
        try:
            import torch

            torch.set_num_threads(1)
            os.write(writing, json.dumps(work()).encode())
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(0)
    forking = process_time() - start
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, _, usage = os.wait4(pid, 0)
    return json.loads(text) if text else None, forking + usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
