from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from harness.errors import InvalidOutput
from harness.plugin import Params
from harness.worker.data import Split
from harness.worker.evaluate import BATCH, Answers, answer

CPU = torch.device("cpu")


@given(
    st.lists(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1), min_size=1)
)
def test_the_highest_score_is_the_answer_and_the_first_of_ties(batches):
    """Scores [B, C] of few values, so that ties are common."""
    answers = Answers()
    for batch in batches:
        answers.add(torch.tensor(batch, dtype=torch.float32))
    assert answers.last.tolist() == [row.index(max(row)) for batch in batches for row in batch]
    assert not answers.over_time


def test_over_time_the_last_steps_answer_counts_and_all_are_written(tmp_path):
    classes = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 1, 1]])
    scores = torch.nn.functional.one_hot(classes, 2).float()
    answers = Answers()
    answers.add(scores, {"ann": scores[0]})
    answers.add(scores.flip(1), {"ann": scores[1]})
    assert answers.over_time
    assert answers.last.tolist() == [0, 1, 1, 1, 1, 0]
    # Exactly: in float32, two thirds would be another number.
    ones = torch.ones(9, dtype=torch.int64)
    assert answers.accuracy(Split(torch.zeros(9, 1), 1.0, ones)) == 4 / 6
    answers.save(str(tmp_path / "new" / "answers.safetensors"))
    found = load_file(tmp_path / "new" / "answers.safetensors")
    assert found["predicted"].tolist() == torch.cat([classes, classes.flip(1)], 1).tolist()
    assert found["predicted"].dtype == torch.uint8
    assert found["reference ann"].tolist() == [1, 0, 0, 0, 0, 1]


def test_more_than_256_classes_are_written_too(tmp_path):
    answers = Answers()
    answers.add(torch.nn.functional.one_hot(torch.tensor([0, 299]), 300).float())
    answers.save(str(tmp_path / "answers.safetensors"))
    assert load_file(tmp_path / "answers.safetensors")["predicted"].tolist() == [0, 299]


def test_the_number_of_steps_may_not_change():
    answers = Answers()
    answers.add(torch.zeros(2, 3, 2))
    with pytest.raises(InvalidOutput, match="the number of steps differs by batch"):
        answers.add(torch.zeros(4, 3, 2))


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
def answered(hooks, data):
    def answers(code, split="test", **options):
        plugin = hooks(code)
        torch.manual_seed(0)
        model = plugin.build_model(data.task, Params(steps=3), CPU)
        seen = []
        told = lambda *batches: seen.append(batches)  # noqa: E731
        return answer(plugin, model, getattr(data, split), 10, told, **options), seen

    return answers


def test_every_sample_is_answered_once_the_last_batch_too(answered, data):
    answers, seen = answered(READS_THE_STRIPE, record=True)
    assert len(answers.last) == len(data.test) == 300
    assert seen == [(0, 2), (1, 2)]
    assert BATCH == 250
    assert answers.last.tolist() == [sample % 10 for sample in range(300)]
    assert answers.activity.samples == 300


def test_a_limit_takes_the_first_samples(answered):
    assert len(answered(READS_THE_STRIPE, limit=7)[0].last) == 7
    assert len(answered(READS_THE_STRIPE, limit=10_000)[0].last) == 300


def test_without_recording_nothing_is_counted_and_nothing_is_asked_for(answered, data):
    answers, _ = answered(READS_THE_STRIPE, split="validation")
    assert (len(answers.last), answers.activity.samples) == (40, 0)
    assert answers.accuracy(data.validation) == 1


def test_the_model_is_in_evaluation_mode_without_gradients_and_left_so(answered):
    code = """
@hookimpl
def harness_evaluate(model, spikes, record):
    assert not model.training and not torch.is_grad_enabled()
    return Evaluation(model(spikes))
"""
    assert len(answered(code)[0].last) == 300


def test_random_codes_draw_the_same_in_every_evaluation_unless_other_draws_are_given(answered):
    first, second = (answered("")[0].last for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, answered("", draws=torch.Generator().manual_seed(1))[0].last)


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
def test_a_wrong_answer_is_told(answered, body, reason):
    code = f"@hookimpl\ndef harness_evaluate(model, spikes, record):\n    {body}\n"
    with pytest.raises(InvalidOutput) as error:
        answered(code, record=True)
    assert str(error.value).startswith(reason)
