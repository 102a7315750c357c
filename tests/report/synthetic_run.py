"""Made-up runs that look like real ones.

`run_records`: four plugins, three seeds, one failure, one skip. `crowded_records`: fourteen plugins
at their sources' settings and at their best. `fit_records`: spike trains to be fitted.
`layers_records`: layers of four frameworks, one of which refuses. `many_records`: any number of rows.
"""

from __future__ import annotations

import numpy as np

from harness.plugin.contract import Neuron
from harness.results.record import (
    LayerProof,
    LayerTiming,
    NetworkTiming,
    Outliers,
    PeaksRecord,
    Record,
    Series,
    TrialRecord,
    Versus,
)
from harness.results.session import Session
from harness.results.statistics import summarise_latency, summarise_rate
from harness.results.store import Description
from harness.subjects import Contender, LayerRow, LayerSize, Row

SEEDS = (0, 1, 2)
TEST_SIZE = 10_000

# accuracy, its spread, latency in s, steps, sparsity of the layers, epochs, training seconds
PLUGINS = {
    "ann-relu": ("native", 0.981, 0.0006, 0.00011, 1, (0.71, 0.64), 6, 14.2),
    "native-dfa": ("native", 0.9715, 0.0012, 0.00092, 25, (0.93, 0.89), 8, 39.4),
    "snntorch-conversion": ("snntorch", 0.9789, 0.0009, 0.0061, 20, (0.90, 0.86), 6, 18.9),
    "spikingjelly-stdp": ("spikingjelly", 0.883, 0.006, 0.0132, 50, (0.996,), 1, 61.0),
}
#: Plugins of a run with many rows: accuracy at its best, how far below the source's setting lies.
CROWD = {
    "ann-relu": (0.984, 0.004),
    "native-bptt": (0.983, 0.002),
    "native-dfa": (0.972, 0.03),
    "native-eligibility": (0.974, 0.012),
    "native-event-prop": (0.969, 0.02),
    "native-stdp": (0.912, 0.11),
    "native-superspike": (0.975, 0.006),
    "norse-bptt": (0.982, 0.003),
    "norse-lsnn-eprop-adaptive": (0.966, 0.008),
    "sinabs-exodus": (0.981, 0.005),
    "snntorch-bptt": (0.983, 0.001),
    "snntorch-conversion": (0.979, 0.35),
    "spikingjelly-bptt-surrogate": (0.984, 0.003),
    "spikingjelly-stdp": (0.883, 0.02),
}
#: A name that tries to break out of whatever holds it.
HOSTILE = "<script>alert(1)</script> | $x^$ --> [red]\n=cmd\x1b[31m\u202e\ud800 \u4f60 `a` \"'"

INPUTS, HIDDEN, CLASSES = 784, 500, 10


def session(**changes) -> Session:
    fields = {
        "command": "harness run --plugins all --task mnist --seeds 0,1,2",
        "started": "2026-01-15T10:03:22+00:00",
        "config": {"plugins": ["all"], "task": "mnist", "seeds": list(SEEDS), "timeout": 600.0},
        "host": {"version": "0.2.0", "digest": "5d41402abc4b"},
        "plugins": {"ann-relu": {"version": "0.2.0", "digest": "7d793037a076"}},
        "environment": {
            "python": "3.11.7",
            "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
            "cpu": "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            "cores": 2,
            "memory_bytes": 8_323_751_936,
            "gpus": [],
            "commit": "3f9c2ab41d7e6a50cfe8b9",
            "dirty": True,
            "packages": {"numpy": "2.4.6", "snntorch": "1.0.0", "torch": "2.15.0"},
        },
        "data": {
            "source": "torchvision.datasets.MNIST",
            "sizes": {"train": 54000, "validation": 6000, "test": TEST_SIZE},
            "digests": {"train": "sha256:9e3c1f0b6d", "test": "sha256:41fe02a97c"},
        },
        "load_average": 0.21,
        "wall_seconds": {"trials": 310.5, "timing": 64.2},
    }
    return Session(**fields | changes)


def description(*sessions: Session) -> Description:
    return Description(kind="networks", sessions=sessions or (session(),))


def row(plugin: str, **changes) -> Row:
    fields = {
        "plugin": plugin,
        "framework": "native",
        "framework_version": "1.0",
        "threads": 2,
        "task": "mnist",
        "preset": "quick",
    }
    return Row(**fields | changes)


def record(
    plugin: str, seed: int = 0, status: str = "ok", reason: str = "", of: dict | None = None, **more
) -> TrialRecord:
    """A trial of the row `of` a plugin."""
    fields = {
        "row": row(plugin, **(of or {})),
        "seed": seed,
        "status": status,
        "reason": reason,
        "log": f"logs/{plugin} seed={seed}.log",
        "started": "2026-01-15T10:03:22+00:00",
        "seconds": 12.0,
    }
    return TrialRecord(**fields | more)


def run_records() -> list[Record]:
    rng = np.random.default_rng(7)
    records: list[Record] = []
    for plugin in PLUGINS:
        records += [trial(plugin, seed, rng) for seed in SEEDS]
    why = "train: RuntimeError: mat1 and mat2 shapes cannot be multiplied (128x784 and 500x10)"
    norse = {"framework": "norse"}
    records += [record("norse-superspike", seed, "failed", why, norse) for seed in SEEDS]
    why = "sinabs is not installed: uv pip install harness-sinabs"
    records.append(record("sinabs-lif", 0, "skipped", why, {"framework": "sinabs"}))
    baseline = row_of("native-dfa").key
    return records + [timing(plugin, rng, baseline=baseline) for plugin in PLUGINS]


def row_of(plugin: str, look: tuple | None = None, **changes) -> Row:
    """The row of one of `PLUGINS`, or of a plugin that looks like `look`."""
    framework, _, _, _, steps, _, epochs, _ = look or PLUGINS[plugin]
    params = {
        "hidden": HIDDEN,
        "epochs": epochs,
        "batch_size": 128,
        "steps": steps,
        "lr": 0.001,
        "encode": "current",
    }
    return row(plugin, framework=framework, params=params, **changes)


def trial(
    label: str, seed: int, rng: np.random.Generator, look: tuple | None = None, **more
) -> TrialRecord:
    _, mean, spread, _, steps, sparsity, epochs, seconds = look or PLUGINS[label]
    accuracy = round(mean + spread * rng.standard_normal(), 4)
    curve = [
        accuracy - (accuracy - 0.1) * np.exp(-(step - 1) / (0.12 * steps))
        for step in range(1, steps + 1)
    ]
    curve[-1] = accuracy
    layers = []
    for place, zeros in enumerate(sparsity):
        sparse = zeros + 0.004 * rng.standard_normal() * (1 - zeros)
        width_in = INPUTS if place == 0 else HIDDEN
        width = HIDDEN if place + 1 < 2 else CLASSES
        density = 0.19 if place == 0 else 1 - sparsity[place - 1]
        operations = density * width_in * width * steps
        layers.append(
            {
                "name": "output" if 0 < place == len(sparsity) - 1 else f"hidden{place + 1}",
                "activation_sparsity": sparse,
                "input_density": density,
                "spikes_per_sample": (1 - sparse) * width * steps,
                "synops_dense": width_in * width * steps,
                "synops_ac": 0.0 if steps == 1 else operations,
                "synops_mac": operations if steps == 1 else 0.0,
            }
        )

    def total(name):
        return float(sum(layer[name] for layer in layers))

    metrics = {
        "test_accuracy": accuracy,
        "validation_accuracy": accuracy - 0.001,
        "train_accuracy": min(1, accuracy + 0.006),
        "accuracy_by_step": [float(v) for v in curve],
        "decision_step": next(i for i, v in enumerate(curve, 1) if v >= accuracy - 0.001),
        "train_seconds": seconds * (1 + 0.02 * rng.standard_normal()),
        "activation_sparsity": float(np.mean([layer["activation_sparsity"] for layer in layers])),
        "input_density": 0.19,
        "parameters": INPUTS * HIDDEN + HIDDEN * CLASSES,
        "footprint_bytes": 4 * (INPUTS * HIDDEN + HIDDEN * CLASSES),
        "test_size": TEST_SIZE,
        **{
            name: total(name)
            for name in ("spikes_per_sample", "synops_dense", "synops_ac", "synops_mac")
        },
    }
    if steps == 1:
        del metrics["decision_step"]
        del metrics["spikes_per_sample"]
    if label == "snntorch-conversion":
        metrics["reference_accuracy"] = {"ann": accuracy + 0.0016}
    history = [
        {
            "loss": float(2.1 * np.exp(-e / 2) + 0.05 + 0.02 * rng.random()),
            "accuracy": float(accuracy - 0.2 * np.exp(-e / 1.5)),
        }
        for e in range(1, epochs + 1)
    ]
    if label.endswith("stdp"):
        history = [{"threshold": 0.3}]
    if steps > 1:
        for place, zeros in enumerate(sparsity, start=1):
            for e, epoch in enumerate(history, start=1):
                epoch[f"density_hidden{place}"] = (1 - zeros) * (1 + 2 * np.exp(-e))
    scalars = {"scale1": 1.5 + 0.1 * seed} if label == "snntorch-conversion" else {}
    metrics["synops_effective"] = metrics["synops_ac"] + metrics["synops_mac"]
    return record(
        label,
        seed,
        metrics=metrics,
        scalars=scalars,
        layers=layers,
        history=history,
        row=row_of(label, look, **more),
    )


def timing(
    label: str,
    rng: np.random.Generator,
    look: tuple | None = None,
    baseline: str = "",
    **more,
) -> NetworkTiming:
    _, _, _, seconds, *_ = look or PLUGINS[label]
    own = row_of(label, look, **more)

    def calls(center, n):
        return center * rng.lognormal(0.0, 0.08, n)

    ratio = seconds / PLUGINS["native-dfa"][3]
    return NetworkTiming(
        row=own,
        seed=0,
        status="ok",
        baseline=baseline,
        metrics={
            "latency_ms": summarise_latency(calls(seconds, 600 if seconds < 0.01 else 120)),
            "inference_throughput": summarise_rate(calls(20 * seconds, 40), 256),
            "train_throughput": summarise_rate(calls(25 * seconds, 40), 128),
            "first_call_ms": 31.0 * float(rng.random() + 0.5),
            "peak_memory_bytes": 3.1e8 + 1e7 * float(rng.random()),
        },
        series=series({"latency": 1, "inference": 256, "train": 128}, ratio, own.key == baseline),
    )


def series(batches: dict[str, int], ratio: float, is_baseline: bool) -> dict[str, Series]:
    """Series of calls that took `ratio` times those of the baseline."""
    verdict = "tie" if 0.9 < ratio < 1.1 else "faster" if ratio < 1 else "slower"
    interval = {"low": 0.95 * ratio, "high": 1.06 * ratio}
    versus = None if is_baseline else Versus(ratio=ratio, p=0.002, verdict=verdict, **interval)
    return {
        name: Series(
            batch=batch,
            rounds=12,
            outliers=Outliers(count=3, calls=100, slowest=4.5),
            noise_floor=0.012,
            versus=versus,
        )
        for name, batch in batches.items()
    }


def crowded_records() -> list[Record]:
    """`harness run --preset 'source*,best'`: 29 rows, whose sources report an accuracy each."""
    rng = np.random.default_rng(11)
    records, timings = [], []
    baseline = ""
    for place, (plugin, (best, gap)) in enumerate(CROWD.items()):
        presets = {"source": best - gap, "best": best}
        if plugin == "native-dfa":
            presets["source-32"] = best - 2 * gap
        steps = 1 if plugin.startswith("ann") else (8, 25, 50, 100)[place % 4]
        for preset, accuracy in presets.items():
            sparsity = (0.9 - 0.05 * (place % 5), 0.93, 0.86) if place % 3 else (0.97, 0.95)
            epochs, seconds = 5 + 4 * (place % 3), 20.0 + 9 * place
            framework = plugin.split("-")[0]
            latency = 2e-4 * 1.35**place * (1.5 if preset == "best" else 1.0)
            look = (framework, accuracy, 0.002, latency, steps, sparsity, epochs, seconds)
            baseline = baseline or row_of(plugin, look, preset=preset).key
            for seed in (0, 1):
                made = trial(plugin, seed, rng, look, preset=preset)
                if preset != "best":
                    known = {"reported_accuracy": round(best - gap / 2, 4)}
                    made = made.model_copy(update={"metrics": made.metrics | known})
                records.append(made)
            timings.append(timing(plugin, rng, look, baseline, preset=preset))
    return records + timings


def fit_records(plugins: int = 2, outputs: int = 1) -> list[Record]:
    """Trials of a task of kind spike-train: 500 steps, 100 inputs, hundreds of epochs."""
    records = []
    for place in range(plugins):
        for seed in (0, 1):
            rng = np.random.default_rng(seed)
            inputs = [sorted(rng.choice(500, 5, replace=False).tolist()) for _ in range(100)]
            targets = [[50 + 2 * n, 150 + n, 250, 350 - n, 450] for n in range(outputs)]
            # The first meets all targets, every further one misses one more and adds a late spike.
            sent = [
                [time + 1 for time in times[place % 6 :]] + [20 * k for k in range(place % 6)]
                for times in targets
            ]
            loss = [
                1.2 * np.exp(-e / (60 + 30 * place)) + 0.01 + 0.01 * rng.random()
                for e in range(400)
            ]
            history = [
                {"loss": float(v), "density_hidden1": 0.02 + 0.01 * float(rng.random())}
                for v in loss
            ]
            metrics = {
                "van_rossum_loss": float(0.02 + 0.15 * place + 0.01 * rng.random()),
                "spikes_on_time": 1 - 0.2 * min(place % 6, 5),
                "spikes_extra": outputs * (place % 6),
                "activation_sparsity": 0.98,
                "train_seconds": 6.0 + seed,
                "parameters": 404,
            }
            rate = 0.1 / 2**place
            records.append(
                record(
                    "native-superspike",
                    seed,
                    of={
                        "task": "spike-train",
                        "params": {"learning_rate": rate},
                        "swept": {"learning_rate": rate},
                    },
                    metrics=metrics,
                    layers=[{"name": "hidden1", "activation_sparsity": 0.98}],
                    history=history,
                    raster={
                        "input": inputs,
                        "target": targets,
                        "output": [sorted(s) for s in sent],
                    },
                )
            )
    return records


def many_records(rows: int, seeds: int) -> list[Record]:
    """A sweep of `rows` sizes of one plugin, with `seeds` each."""
    rng = np.random.default_rng(3)
    records: list[Record] = []
    for place in range(rows):
        accuracy = 0.95 - 0.3 * place / rows
        look = ("native", accuracy, 0.002, 1e-3 * (1 + place / rows), 10, (0.9, 0.95), 10, 20.0)
        swept = {"swept": {"width": 16 + place}}
        plugin = f"native-plugin-{place % 20}"
        records += [trial(plugin, seed, rng, look, **swept) for seed in range(seeds)]
        records.append(timing(plugin, rng, look, "", **swept))
    return records


# --- layers ---------------------------------------------------------------------------------------

#: How long each framework's layer takes, in ms per 512 neurons.
LAYERS = {"native": 1.0, "norse": 2.4, "snntorch": 1.05}


def layers_description(*sessions: Session) -> Description:
    own = session(command="harness layers --neurons 512,2048,8192 --density 1,0.1")
    return Description(kind="layers", sessions=sessions or (own,))


def contender(plugin: str) -> Contender:
    return Contender(plugin=plugin, framework=plugin, framework_version="1.0", threads=1)


def proof(plugin: str, beta: float = 0.9, detach: bool = True, **changes) -> LayerProof:
    fields = {
        "row": contender(plugin),
        "neuron": Neuron(beta, detach=detach),
        "status": "ok",
        "metrics": {"spikes_compared": 100, "spikes_at_threshold": 7},
    }
    return LayerProof(**fields | changes)


def layer_row(plugin: str, neurons: int = 512, density: float = 1.0) -> LayerRow:
    size = LayerSize(neurons=neurons, steps=100, batch=16, density=density)
    return LayerRow(**dict(contender(plugin)), neuron=Neuron(0.9), size=size)


def layer(
    plugin: str, neurons: int = 512, density: float = 1.0, total: float = 10.0, **changes
) -> LayerTiming:
    """A layer that was compared with that of native, which takes 10 ms."""

    def around(median):
        return {"median": median, "low": 0.9 * median, "high": 1.1 * median, "n": 9}

    own, baseline = layer_row(plugin, neurons, density), layer_row("native", neurons, density)
    batches = dict.fromkeys(("forward", "backward", "total"), 16)
    fields = {
        "row": own,
        "status": "ok",
        "equal": True,
        "baseline": baseline.key,
        "metrics": {
            "forward_ms": around(0.4 * total),
            "backward_ms": around(0.6 * total),
            "total_ms": around(total),
            "total_bound_ms": 2.0,
            "roofline_share": 2.0 / total,
            "peak_memory_bytes": 2**20,
        },
        "series": series(batches, total / 10.0, own == baseline),
    }
    return LayerTiming(**fields | changes)


PEAKS = PeaksRecord(
    device="cpu",
    threads=1,
    status="ok",
    metrics={"peak_flops": 1e11, "peak_bandwidth": 1e10},
)
REFUSED = {"status": "skipped", "reason": "no leak, no <neuron>", "metrics": {}, "series": {}}


def layers_records() -> list[Record]:
    records: list[Record] = [PEAKS]
    for beta, detach in ((0.9, True), (1.0, True), (0.9, False)):
        records += [proof(plugin, beta, detach) for plugin in LAYERS]
        records.append(
            proof("sinabs", beta, detach, status="skipped", reason=REFUSED["reason"], metrics={})
        )
    for density in (1.0, 0.1):
        for neurons in (512, 2048, 8192):
            for plugin, factor in LAYERS.items():
                total = 10.0 * factor * (1 if density == 1 else 0.7)
                made = layer(plugin, neurons, density, total * (neurons / 512) ** 1.5)
                names = dict.fromkeys(made.series, 16)
                compared = series(names, factor, plugin == "native")
                bound = {"total_bound_ms": 2.0 * (neurons / 512) ** 1.5, "roofline_share": 0.1}
                records.append(
                    made.model_copy(update={"series": compared, "metrics": made.metrics | bound})
                )
            records.append(layer("sinabs", neurons, density, **REFUSED, equal=False))
    return records
