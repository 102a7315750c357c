from __future__ import annotations

from harness.report.closing import closing_lines
from harness.results.record import PeaksRecord

from .synthetic_run import fit_records, layers_records, record, run_records, session


def accuracy(plugin, *values):
    return [record(plugin, n, metrics={"test_accuracy": v}) for n, v in enumerate(values)]


def test_the_most_accurate_and_whose_interval_overlaps():
    records = accuracy("a", 0.98, 0.97) + accuracy("b", 0.975, 0.96) + accuracy("c", 0.20, 0.21)
    (line,) = closing_lines(records)
    assert line.startswith("Highest test accuracy: a, 97.5 % [")
    assert line.endswith("The intervals of b overlap with it: their order may be chance.")


def test_without_an_overlap_there_is_none_to_tell():
    (line,) = closing_lines(accuracy("a", 0.980, 0.981) + accuracy("c", 0.20, 0.21))
    assert "overlap" not in line


def test_faster_slower_and_ties_are_the_verdicts():
    lines = closing_lines(run_records())
    told = "Latency, compared with native-dfa: faster: ann-relu; slower: snntorch-conversion, "
    assert f"{told}spikingjelly-stdp." in lines
    assert sum(line.startswith(("Inference", "Training")) for line in lines) == 2


def test_unequal_steps_are_told_with_few_names():
    (line,) = (line for line in closing_lines(run_records()) if line.startswith("Steps"))
    assert line.startswith("Steps of a sample: 1 for ann-relu; 20 for snntorch-conversion;")


def test_a_fit_is_told_by_its_loss():
    (line,) = closing_lines(fit_records())
    assert line.startswith("Lowest Van Rossum loss: native-superspike learning_rate=0.1, 0.025")


def test_layers_are_compared_at_each_size():
    lines = closing_lines(layers_records())
    assert lines[0] == (
        "512 neurons, dense inputs, compared with native: slower: norse; a tie: snntorch."
    )
    assert len(lines) == 6


def test_nothing_to_compare_is_nothing_to_tell():
    assert closing_lines([]) == closing_lines(accuracy("a", 0.9)) == []
    assert closing_lines([record("a", 0, "failed", "why")]) == []


def test_a_refuted_row_is_never_the_best_and_is_told_with_the_reason():
    records = accuracy("a", 0.90, 0.91) + accuracy("b", 0.80, 0.81) + accuracy("c", 0.99, 0.99)
    records[-1] = records[-1].model_copy(update={"facts": {"reload": "9 answers differ"}})
    best, told = closing_lines(records)
    assert best.startswith("Highest test accuracy: a, 90.5 %")
    assert told == "Refuted, and not ranked: c: 9 answers differ (seed 1)."


def test_a_refuted_row_is_called_neither_faster_nor_slower():
    records = [
        r.model_copy(update={"facts": {"reload": "other"}})
        if r.kind == "trial" and r.row.plugin == "ann-relu"
        else r
        for r in run_records()
    ]
    verdicts = [line for line in closing_lines(records) if "compared with" in line]
    assert verdicts
    assert "ann-relu" not in "".join(verdicts)


def test_other_programs_beside_the_measurement_are_told_last():
    records = run_records()
    used = {"others": {"cores": 0.5, "steal": 0.0, "of": 2.0}}
    peaks = PeaksRecord(status="ok", device="cpu", threads=1, facts=used)
    own = session(environment={"cores": 2})
    *lines, told = closing_lines([*records, peaks], [own])
    assert lines == closing_lines(records, [own])
    assert told.startswith("While the rows were timed, other programs used 0.5 of 2 cores")


def test_warnings_are_told_by_row():
    records = accuracy("a", 0.9)
    records[0] = records[0].model_copy(update={"facts": {"tied_scores": 1.0}})
    (line,) = closing_lines(records)
    assert line.startswith("Warning: a: scores tie on 100 % of the test samples")
