"""What is wrong with a row, and what its reader must know: refutations, and warnings by their kind.

A row is refuted where its network answers otherwise when it is loaded again, or where a check of its
timed calls failed. Its numbers are shown, marked as that, and are ranked nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from harness.cores import MOST_CORES
from harness.errors import plain
from harness.results.answers import Answers
from harness.results.reading import is_number
from harness.results.record import LayerTiming, NetworkTiming, PeaksRecord, Record, TrialRecord
from harness.results.session import Session

#: A trial is at chance where its accuracy is not significantly above that of the most frequent class.
CHANCE_P = 0.01
#: Above validation beyond chance: in one of 1000 rows, an honest one is.
VALIDATION_P = 0.001
#: Ties on fewer samples than this hardly change an accuracy.
LEAST_TIED = 0.01

#: The fact that names the metrics by hook that failed: why is among what is `absent`.
FAILED_METRICS = "failed_metrics"

#: The kind of the warning of a row whose operations are more than were counted.
UNRECORDED = "unrecorded"
#: The kind of the warning of a row that has another neuron than its family's.
NEURON = "neuron"
#: What is counted from the recorded layers, where less is better.
COUNTED = (
    "synops_effective",
    "synops_dense",
    "energy_modelled_nj",
    "energy_once_nj",
    "spikes_per_sample",
)
#: So many names stand in a warning; the record has all.
MOST_NAMES = 4
#: The fact of a record of peaks that holds what other programs used of the machine during its group.
OTHERS = "others"
#: From this share of the machine's cores on, what other programs used is worth a warning.
MOST_OF_OTHERS = 0.1

Timing = NetworkTiming | LayerTiming | None


def refuted(trials: Sequence[TrialRecord], timing: Timing) -> str:
    """Why the row is refuted, in one line; "" where it is not. `trials` are those that succeeded."""
    reasons = [
        f"{plain(reload)} (seed {trial.seed})"
        for trial in trials
        if (reload := trial.facts.get("reload", "same")) != "same"
    ]
    if timing is not None and timing.status == "invalid":
        reasons.append(plain(timing.reason))
    return "; ".join(dict.fromkeys(reasons))


def refuted_rows(records: Iterable[Record]) -> dict[str, str]:
    """Why each refuted row of `records` is, by the rows' keys."""
    trials: dict[str, list[TrialRecord]] = {}
    timings: dict[str, Timing] = {}
    for record in records:
        if isinstance(record, TrialRecord):
            trials.setdefault(record.row.key, []).append(record)
        elif isinstance(record, (NetworkTiming, LayerTiming)):
            timings[record.row.key] = record
    reasons = {
        key: refuted([t for t in trials.get(key, ()) if t.status == "ok"], timings.get(key))
        for key in dict.fromkeys((*trials, *timings))
    }
    return {key: reason for key, reason in reasons.items() if reason}


def others_while_timing(
    records: Iterable[Record], session: int
) -> tuple[float, float, float] | None:
    """The cores that other programs used, those that the host withheld, and those there are.

    Of the groups of a session, the one that lost most; None where it is not known.
    """
    losses = []
    for record in records:
        others = record.facts.get(OTHERS) if isinstance(record, PeaksRecord) else None
        if record.session == session and isinstance(others, Mapping):
            values = [others.get(name) for name in ("cores", "steal", "of")]
            if all(map(is_number, values)):
                cores, steal, of = (float(value) for value in values if is_number(value))
                losses.append((cores, steal, of))
    return max(losses, key=lambda one: one[0] + one[1], default=None)


def warnings(
    trials: Sequence[TrialRecord],
    timing: Timing,
    answers: Answers | None = None,
    sessions: Sequence[Session] = (),
) -> dict[str, str]:
    """What a reader of the row must know, a sentence for each kind. `trials` are those that succeeded."""
    sentences = {
        UNRECORDED: _unrecorded(trials),
        "silent": _silent(trials),
        "chance": _at_chance(trials, answers) if answers else "",
        "ties": _tied(trials),
        "threads": _threads(trials, timing),
        "random": _random(trials, timing),
        "unseeded": _unseeded(trials),
        NEURON: _neuron(trials),
        "validation": _above_validation(trials, sessions),
        "metrics": _failed_metrics(trials),
        "idle": _idle(timing),
        "unsteady": _unsteady(timing),
    }
    return {kind: text for kind, text in sentences.items() if text}


def is_lower_bound(kinds: Container[str], metric: str) -> bool:
    """Whether `metric` of a row with warnings of these kinds may be higher than it was counted."""
    return UNRECORDED in kinds and metric in COUNTED


def _unrecorded(trials: Sequence[TrialRecord]) -> str:
    """Weights that the scores depend on and no recorded layer has."""
    names: dict[str, None] = {}
    most, seeds = 0.0, []
    for trial in trials:
        unrecorded = trial.facts.get("unrecorded")
        if not (
            isinstance(unrecorded, Mapping) and isinstance(unrecorded.get("names"), (list, tuple))
        ):
            continue
        share = unrecorded.get("share")
        most = max(most, float(share) if is_number(share) else 0.0)
        names |= dict.fromkeys(map(plain, unrecorded["names"]))
        seeds.append(trial.seed)
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (
        f"no recorded layer has {_percent(most)} of the weights that its scores depend on "
        f"({', '.join([*names][:MOST_NAMES])}{more}){_of(seeds, trials)}: it needs more operations than "
        "were counted"
    )


def _silent(trials: Sequence[TrialRecord]) -> str:
    """Layers without a spike on the whole test split: by the worker's count, or by the layers' metrics."""
    seeds: dict[str, list[int]] = {}
    for trial in trials:
        silent = trial.facts.get("silent_layers")
        names = silent if isinstance(silent, (list, tuple)) else _without_spikes(trial)
        for name in dict.fromkeys(map(plain, names)):
            seeds.setdefault(name, []).append(trial.seed)
    parts = [f"layer {name} never spiked{_of(its, trials)}" for name, its in seeds.items()]
    if len(parts) > MOST_NAMES:
        parts[MOST_NAMES:] = [f"nor did {len(parts) - MOST_NAMES} more"]
    return f"{'; '.join(parts)}, on the whole test split" if parts else ""


def _without_spikes(trial: TrialRecord) -> Iterator[str]:
    return (layer["name"] for layer in trial.layers if layer.get("spikes_per_sample") == 0)


def _at_chance(trials: Sequence[TrialRecord], answers: Answers) -> str:
    """Seeds whose accuracy a constant prediction of the most frequent class would have too, by an exact
    binomial test.
    """
    import numpy as np
    from scipy import special

    samples = len(answers.labels)
    chance = float(np.bincount(answers.labels.astype(np.int64)).max()) / samples
    at_chance = []
    for trial in trials:
        if (predicted := answers.classes.get(trial.predictions)) is None:
            continue
        right = int((predicted == answers.labels).sum())
        # The probability of as many right answers or more, at chance.
        p = float(special.bdtrc(right - 1, samples, chance)) if right else 1.0
        if p > CHANCE_P:
            at_chance.append(trial.seed)
    if not at_chance:
        return ""
    return (
        f"accuracy at chance{_of(at_chance, trials)}: on {samples} test samples it cannot be told from "
        f"always the same class, which gives {100 * chance:.1f} %"
    )


def _tied(trials: Sequence[TrialRecord]) -> str:
    most = _highest(trials, "tied_scores")
    if most < LEAST_TIED:
        return ""
    return (
        f"scores tie on {_percent(most)} of the test samples: their class is the first of the best"
    )


def _threads(trials: Sequence[TrialRecord], timing: Timing) -> str:
    """More threads at work than were asked for, by the CPU time of the process."""
    asked = next((record.row.threads for record in (*trials, *([timing] if timing else []))), 1)
    parts = []
    for records, fact, what in (
        (trials, "train_cores", "training"),
        ([timing], "cores", "timed calls"),
    ):
        most = _highest([record for record in records if record is not None], fact)
        if most > MOST_CORES * asked:
            parts.append(f"its {what} used {most:.1f} cores")
    threads = f"{asked} thread{'s were' if asked > 1 else ' was'}"
    return f"{', '.join(parts)} where {threads} asked for" if parts else ""


def _random(trials: Sequence[TrialRecord], timing: Timing) -> str:
    records: list[TrialRecord | NetworkTiming] = [*trials]
    records += [timing] if isinstance(timing, NetworkTiming) else []
    most = 0.0 if _unseeded(trials) else _highest(records, "random_answers")
    return f"random: two evaluations differ on {_percent(most)} of the samples" if most > 0 else ""


def _unseeded(trials: Sequence[TrialRecord]) -> str:
    most = _highest(trials, "unseeded_answers")
    if most <= 0:
        return ""
    return (
        f"two evaluations differ on {_percent(most)} of the samples though the same seed was set before "
        "each: its random numbers come from a generator of its own, or it counts its calls"
    )


def _neuron(trials: Sequence[TrialRecord]) -> str:
    """The neuron of a row that says it is the textbook's, where it is another."""
    neurons = (trial.facts.get("neuron") for trial in trials)
    others = (plain(neuron) for neuron in neurons if isinstance(neuron, str))
    return next((neuron for neuron in others if neuron.startswith("another neuron")), "")


def _above_validation(trials: Sequence[TrialRecord], sessions: Sequence[Session]) -> str:
    """A test accuracy above that on validation data beyond chance: test data may have been seen.

    A test of two proportions, one-sided. All seeds share the samples, so their mean counts as one network.
    """
    pairs, sizes = [], []
    for trial in trials:
        both = [trial.metrics.get(f"{split}_accuracy") for split in ("test", "validation")]
        size = _sizes(trial, sessions)
        if all(map(is_number, both)) and size:
            pairs.append(both)
            sizes.append(size)
    if not pairs:
        return ""
    test, validation = (fmean(each) for each in zip(*pairs, strict=True))
    n_test, n_validation = map(min, zip(*sizes, strict=True))
    pooled = (test * n_test + validation * n_validation) / (n_test + n_validation)
    error = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / n_test + 1 / n_validation))
    if not error or math.erfc((test - validation) / error / math.sqrt(2)) / 2 > VALIDATION_P:
        return ""
    return (
        f"test accuracy {_percent(test)} is above that on validation data, {_percent(validation)}, "
        "by more than chance: were test samples seen while training?"
    )


def _failed_metrics(trials: Sequence[TrialRecord]) -> str:
    """Metrics by hook whose own code is why there is none."""
    reasons: dict[str, str] = {}
    for trial in trials:
        names = trial.facts.get(FAILED_METRICS)
        for name in names if isinstance(names, (list, tuple)) else ():
            if isinstance(name, str) and name in trial.absent:
                reasons.setdefault(plain(name), plain(trial.absent[name]))
    return "; ".join(f"no {name}: {reason}" for name, reason in reasons.items())


def _unsteady(timing: Timing) -> str:
    """The series in which the two processes of a row differ by far more than those of the others do."""
    parts = [
        f"{series.unsteady:.3g} times as long ({'training' if name == 'train' else name})"
        for name, series in (timing.series.items() if timing is not None else ())
        if series.unsteady
    ]
    text = ", ".join(parts)
    return f"unsteady: the slower of its two processes took {text}" if text else ""


def _idle(timing: Timing) -> str:
    """Timed training steps that train nothing."""
    if timing is None or not _highest([timing], "idle_training"):
        return ""
    return "its timed training steps change nothing of the network: their time is not that of a training"


def _sizes(trial: TrialRecord, sessions: Sequence[Session]) -> tuple[int, int] | None:
    """How many test and validation samples were used, where the session says how many there are."""
    if trial.session >= len(sessions):
        return None
    splits = sessions[trial.session].data_of(trial.row.task).get("splits")
    if not isinstance(splits, Mapping):
        return None
    test, validation = (splits.get(name) for name in ("test", "validation"))
    if not (isinstance(test, int) and isinstance(validation, int) and min(test, validation) > 0):
        return None
    limit = trial.row.limit or max(test, validation)
    return min(test, limit), min(validation, limit)


def _highest(records: Sequence[TrialRecord | NetworkTiming | LayerTiming], fact: str) -> float:
    known = [record.facts.get(fact) for record in records]
    return max((float(value) for value in known if is_number(value)), default=0.0)


def _of(seeds: Sequence[int], trials: Sequence[TrialRecord]) -> str:
    """Which seeds, where not all of them."""
    if len(seeds) == len(trials):
        return ""
    return f" (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
