from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InvalidOutput
from harness.plugin import Params
from harness.worker.evaluate import BATCH, Score, decision_step, evaluate

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("by_step", "step"),
    [
        ([0.9], 1),
        ([0.1, 0.5, 0.9], 3),
        ([0.1, 0.8992, 0.8995, 0.9], 2),
        ([0.1, 0.899, 0.9], 2),  # the tolerance is inclusive
        ([0.0, 9 / 1000, 10 / 1000], 2),  # though 10/1000 - 1/1000 comes out above 9/1000
        ([0.1, 0.8989, 0.9], 3),
        ([0.95, 0.1, 0.9], 1),  # within the tolerance or better
        ([0.0, 0.0], 1),
    ],
)
def test_the_decision_falls_at_the_first_step_as_good_as_the_last(by_step, step):
    assert decision_step(by_step) == step


@given(st.lists(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1)))
def test_right_answers_are_counted_as_a_plain_loop_counts_them(batches):
    """Scores [B, C] of few values, so that ties are common: the first of the highest wins."""
    score, right, samples = Score(), 0, 0
    for batch in batches:
        targets = [row[0] % 3 for row in batch]
        score.add(torch.tensor(batch, dtype=torch.float32), torch.tensor(targets))
        right += sum(row.index(max(row)) == target for row, target in zip(batch, targets))
        samples += len(batch)
    assert score.samples == samples
    if samples:
        assert score.accuracy == right / samples
        assert "accuracy_by_step" not in score.metrics()


def test_accuracy_over_time_is_that_of_each_step():
    targets = torch.tensor([0, 1, 1])
    scores = torch.zeros(3, 3, 2)
    for step, answers in enumerate([[1, 0, 0], [0, 0, 1], [0, 1, 1]]):
        scores[step, torch.arange(3), torch.tensor(answers)] = 1
    score = Score()
    score.add(scores, targets)
    score.add(scores.flip(1), targets.flip(0))  # the same samples in another order
    metrics = score.metrics()
    assert metrics["accuracy_by_step"] == [0, 2 / 3, 1]
    assert metrics["test_accuracy"] == 1
    assert metrics["decision_step"] == 3


def test_the_number_of_steps_may_not_change():
    score = Score()
    score.add(torch.zeros(2, 3, 2), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(InvalidOutput, match="the number of steps differs by batch"):
        score.add(torch.zeros(4, 3, 2), torch.zeros(3, dtype=torch.int64))


# --- with a plugin --------------------------------------------------------------------------------

READS_THE_STRIPE = """
@hookimpl
def harness_encode(model, inputs):
    return inputs.flatten(1)[None]

@hookimpl
def harness_evaluate(model, spikes, record):
    right = spikes[0][:, 0:60:6]  # the stripe of each class
    wrong = right.roll(1, 1)
    layers = [Layer("readout", spikes, model.weight, None)] if record else []
    return Evaluation(torch.stack([wrong, right]), layers, {"bad": wrong, "good": right})
"""


@pytest.fixture
def scored(hooks, data):
    def score(code, split="test", **options):
        plugin = hooks(code)
        torch.manual_seed(0)
        model = plugin.build_model(data.task, Params(steps=3), CPU)
        seen = []
        found = evaluate(plugin, model, getattr(data, split), 10, split, seen.append, **options)
        return found, seen

    return score


def test_every_sample_is_evaluated_once_the_last_batch_too(scored, data):
    score, seen = scored(READS_THE_STRIPE, record=True)
    assert score.samples == len(data.test) == 300
    assert [(p.stage, p.done, p.total) for p in seen] == [
        ("evaluate test", 0, 2), ("evaluate test", 1, 2),
    ]  # fmt: skip
    assert BATCH == 250
    assert score.by_step == [0, 1]
    assert score.metrics()["reference_accuracy"] == {"bad": 0, "good": 1}
    assert score.activity.samples == 300


def test_a_limit_takes_the_first_samples(scored):
    assert scored(READS_THE_STRIPE, limit=7)[0].samples == 7
    assert scored(READS_THE_STRIPE, limit=10_000)[0].samples == 300


def test_without_recording_nothing_is_counted_and_nothing_is_asked_for(scored):
    score, _ = scored(READS_THE_STRIPE, split="validation")
    assert (score.samples, score.activity.samples) == (40, 0)
    assert "reference_accuracy" not in score.metrics()


def test_the_model_is_in_evaluation_mode_without_gradients_and_left_so(scored):
    code = """
@hookimpl
def harness_evaluate(model, spikes, record):
    assert not model.training and not torch.is_grad_enabled()
    return Evaluation(model(spikes))
"""
    assert scored(code)[0].samples == 300


def test_random_codes_draw_the_same_in_every_evaluation(scored):
    first, second = (scored("")[0].by_step for _ in range(2))
    assert first == second
    assert len(set(first)) > 1  # the draws matter


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return model(spikes)", "harness_evaluate: returned Tensor, wanted Evaluation"),
        (
            "return Evaluation(model(spikes)[0, :-1])",
            "harness_evaluate: scores have shape (249, 10)",
        ),
        ("return Evaluation(model(spikes) / 0 * 0)", "harness_evaluate: scores: not finite"),
        (
            "return Evaluation(model(spikes), [Layer('hidden', spikes, model.weight, spikes * 3)])",
            "harness_evaluate: layer 'hidden': spikes are not binary, one is 3",
        ),
        (
            "return Evaluation(model(spikes), (), {'ann': spikes})",
            "harness_evaluate: reference 'ann' is not (250, 10)",
        ),
    ],
)
def test_a_wrong_answer_is_told(scored, body, reason):
    code = f"@hookimpl\ndef harness_evaluate(model, spikes, record):\n    {body}\n"
    with pytest.raises(InvalidOutput) as error:
        scored(code, record=True)
    assert str(error.value).startswith(reason)
