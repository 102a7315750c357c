"""What the host costs: its training loop against the same hooks in a bare loop, and its start."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

HARNESS = Path(sys.executable).with_name("harness")
BATCHES, PAIRS = 60, 120


@pytest.mark.parametrize("command", ["--help", "plugins"])
def test_start(benchmark, command):
    """Wall time of the whole command; the aim is 0.3 s with every framework installed."""
    benchmark.pedantic(
        subprocess.run,
        args=([HARNESS, command],),
        kwargs={"check": True, "capture_output": True},
        rounds=15,
        warmup_rounds=2,
    )


@pytest.mark.native
def test_training_loop(benchmark):
    """Paired, in turns: extra_info holds the median ratio host / bare; the aim is 1.02."""
    torch = pytest.importorskip("torch")
    from scipy.stats import quantile_test

    from harness.contract import Params, PluginSource, Task
    from harness.trial.data import Split
    from harness.trial.hooks import Hooks
    from harness.trial.train import seed_everything, train

    torch.set_num_threads(1)
    plugin = importlib.import_module("harness_native.dfa")
    hooks = Hooks(PluginSource("native-dfa", "harness_native.dfa"))
    values = plugin.harness_presets().resolve("quick", "mnist", {"epochs": 1})
    params, size = Params(**values), values["batch_size"]
    samples = BATCHES * size
    task = Task("mnist", "classification", (1, 28, 28), 10, samples)
    seed_everything(0)
    inputs = torch.randint(256, (samples, 1, 28, 28), dtype=torch.uint8)
    split = Split(inputs, torch.randint(10, (samples,)), 255.0)

    model = plugin.harness_build_model(task, params, torch.device("cpu"))

    def host(model):
        train(hooks, model, params, split, 0, lambda _: None)

    def bare(model):
        draws = torch.Generator().manual_seed(0)
        order = torch.randperm(samples, generator=torch.Generator().manual_seed(0))
        model.train()
        for start in range(0, samples, size):
            index = order[start : start + size]
            batch = split.inputs[index].float().div_(255.0)
            spikes = plugin.harness_encode(model, batch, draws)
            plugin.harness_train_step(model, spikes, split.targets[index])

    def seconds(loop):
        start = perf_counter()
        loop(model)
        return perf_counter() - start

    def pair():
        # In turns, so that neither loop is always the one that follows the other.
        first, second = (host, bare) if len(ratios) % 2 else (bare, host)
        taken = {first: seconds(first), second: seconds(second)}
        ratios.append(taken[host] / taken[bare])

    ratios: list[float] = []
    seconds(host), seconds(bare)
    benchmark.pedantic(pair, rounds=PAIRS)
    interval = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    told = f"{statistics.median(ratios):.4f} [{interval.low:.4f}, {interval.high:.4f}]"
    benchmark.extra_info["host / bare, median and 95 % interval"] = told
    print(f"\nhost / bare loop: {told}, {PAIRS} pairs")
