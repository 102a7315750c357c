"""A training that is killed after an epoch and goes on: equal to one that nobody disturbed, bit for bit."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file

from harness.worker.checkpoint_file import Damaged, read, write
from harness.worker.checkpoints import NO_HOOK
from harness.worker.train import run_trial

#: Momentum outside of the state, dropout by torch's generator, draws from Python's, numpy's and an own one.
STATEFUL = """
import random
import numpy as np

class Momentum:
    def __init__(self, parameters):
        self.velocity = [torch.zeros_like(p) for p in parameters]
        self.updates = 0

    def state_dict(self):
        return {"velocity": tuple(self.velocity), "updates": self.updates, 3: [None, 0.1, "x"]}

    def load_state_dict(self, state):
        assert state[3] == [None, 0.1, "x"]
        self.velocity, self.updates = list(state["velocity"]), state["updates"]

was = [harness_build_model]

@hookimpl
def harness_build_model(task, params, device):
    model = was[0](task, params, device)
    model.momentum = Momentum(model.parameters())
    model.draws = torch.Generator().manual_seed(3)
    return model

@hookimpl
def harness_train_step(model, spikes, targets):
    m = model.momentum
    if m.updates == KILLED_AFTER:
        raise KeyboardInterrupt
    m.updates += 1
    noise = random.random() + np.random.rand() + float(torch.rand((), generator=model.draws))
    inputs = functional.dropout(spikes.mean(0), 0.2) + 0.01 * noise
    loss = functional.cross_entropy(model(inputs), targets)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for parameter, velocity, gradient in zip(model.parameters(), m.velocity, gradients):
            velocity.mul_(0.9).add_(gradient)
            parameter -= velocity / m.updates
    return {"loss": loss.detach()}
"""
HOOK = """
@hookimpl
def harness_training_state(model):
    return {"momentum": model.momentum, "draws": model.draws}
"""
PARTIAL = """
@hookimpl
def harness_training_state(model):
    return {"draws": model.draws}
"""
ODD = """
class Odd:
    def state_dict(self):
        return {"when": object()}
    def load_state_dict(self, state):
        raise AssertionError

@hookimpl
def harness_training_state(model):
    return {"odd": Odd()}
"""
EPOCHS = 4


@pytest.fixture
def trial(hooks, request_for, tmp_path):
    """Carries out a trial with a checkpoint after each epoch; killed in epoch `kill`, if any."""

    def carry_out(
        code=STATEFUL + HOOK, kill=None, seconds=0.0, said=None, state="state", **options
    ):
        options = {"epochs": EPOCHS, "batch_size": 32, **options}
        request = request_for(state=state, **options).model_copy(
            update={
                "checkpoint": str(tmp_path / "checkpoints/it.safetensors"),
                "checkpoint_seconds": seconds,
            }
        )

        said = [] if said is None else said
        updates = 7 * (kill - 1) + 3 if kill else None  # of 203 samples
        torch.manual_seed(len(said) + 17)  # whatever was drawn in this process before
        return run_trial(request, hooks(f"{code}\nKILLED_AFTER = {updates}\n"), said.append)

    return carry_out


@pytest.fixture
def left(tmp_path):
    """The checkpoint."""
    return tmp_path / "checkpoints/it.safetensors"


def without_times(found):
    """All that is measured, but how long it took and that it was continued."""
    metrics = {name: value for name, value in found.metrics.items() if name != "train_seconds"}
    facts = {
        name: fact
        for name, fact in found.facts.items()
        if name not in ("continued", "checkpoint_seconds", "checkpoint")
    }
    return found.model_copy(update={"metrics": metrics, "facts": facts})


def test_a_trial_that_was_killed_twice_ends_as_one_that_nobody_disturbed(trial, tmp_path, left):
    undisturbed = trial(state="whole")
    left.unlink()
    said = []
    with pytest.raises(KeyboardInterrupt):
        trial(kill=2)
    with pytest.raises(KeyboardInterrupt):
        trial(kill=4, said=said)
    found = trial(said=said)
    assert without_times(found) == without_times(undisturbed)
    assert [len(found.history), found.facts["continued"]] == [EPOCHS, [1, 3]]
    assert "continued" not in undisturbed.facts
    files = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("whole", "state")]
    assert files[0] == files[1]
    predictions = [tmp_path / f"{name}.predictions.safetensors" for name in ("whole", "state")]
    assert predictions[0].read_bytes() == predictions[1].read_bytes()
    notes = [progress.note for progress in said if progress.note]
    assert [note.partition(",")[0] for note in notes] == [
        "goes on after epoch 1 of 4", "goes on after epoch 3 of 4"
    ]  # fmt: skip


def test_the_training_time_has_all_parts_and_no_writing(trial, left):
    with pytest.raises(KeyboardInterrupt):
        trial(kill=3)
    content = read(left)
    write(left, {**content, "seconds": 1000.0})
    said = []
    found = trial(said=said)
    assert 1000 < found.metrics["train_seconds"] < 1100
    assert [progress.spent for progress in said if progress.spent] == [1000.0]
    assert found.facts["checkpoint_seconds"] >= 0


def test_without_the_hook_nothing_is_written_and_the_record_says_so_once(trial, left):
    said = []
    found = trial(STATEFUL, said=said)
    assert not left.exists()
    assert found.facts["checkpoint"] == NO_HOOK
    assert [progress.note for progress in said if progress.note] == [NO_HOOK]


def test_a_short_trial_writes_none(trial, left):
    found = trial(seconds=600.0)
    assert not left.exists()
    assert not {"checkpoint", "checkpoint_seconds", "continued"} & found.facts.keys()


def test_a_state_that_cannot_be_kept_costs_the_checkpoint_and_not_the_trial(trial, left):
    found = trial(STATEFUL + ODD)
    assert not left.exists()
    assert "a state holds object, wanted tensors" in found.facts["checkpoint"]
    assert len(found.history) == EPOCHS


def test_a_damaged_checkpoint_is_refused(trial, left):
    undisturbed = trial(state="whole")
    left.unlink()
    with pytest.raises(KeyboardInterrupt):
        trial(kill=3)
    content = bytearray(left.read_bytes())
    content[-7] ^= 1
    left.write_bytes(content)
    found = trial()
    assert without_times(found) == without_times(undisturbed)
    assert "its checkpoint is damaged (it has another digest" in found.facts["checkpoint"]
    assert "continued" not in found.facts


@pytest.mark.parametrize("change", [{"seed": 1}, {"steps": 3}])
def test_a_checkpoint_of_another_trial_is_refused(trial, change):
    undisturbed = trial(**change)
    with pytest.raises(KeyboardInterrupt):
        trial(kill=3)
    found = trial(**change)
    assert without_times(found) == without_times(undisturbed)
    assert "is of another trial, plugin, host or torch" in found.facts["checkpoint"]


def test_a_checkpoint_of_another_host_is_refused(trial, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        trial(kill=3)
    monkeypatch.setattr("harness.worker.checkpoints.host_digest", lambda: "another")
    assert "another trial, plugin, host" in trial().facts["checkpoint"]


def test_a_checkpoint_that_does_not_load_is_not_used_in_part(trial):
    undisturbed = trial(state="whole")
    with pytest.raises(KeyboardInterrupt):
        trial(STATEFUL + PARTIAL, kill=3)
    found = trial()
    assert without_times(found) == without_times(undisturbed)
    assert "does not load: KeyError" in found.facts["checkpoint"]


# --- the file -------------------------------------------------------------------------------------


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "a/file"
    shared = torch.arange(3.0)
    content = {
        "tensors": [shared, shared, torch.tensor(1, dtype=torch.bfloat16), torch.tensor([])],
        "numbers": (1, 0.1, float("inf"), 2**80, True, None, "text"),
        2: {"lists": [[], (), {}]},
    }
    write(path, content)
    found = read(path)
    assert str(found) == str(content)
    assert [type(part) for part in found["numbers"]] == [type(p) for p in content["numbers"]]
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_missing_cut_off_or_of_another_kind_is_not_read(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError):
        read(path)
    write(path, {"a": torch.ones(3)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Damaged):
        read(path)
    save_file({"a": torch.ones(3)}, path)
    with pytest.raises(Damaged):
        read(path)
    save_file({**load_file(path), "tree": torch.zeros(2, dtype=torch.uint8)}, path, {"digest": "0"})
    with pytest.raises(Damaged):
        read(path)
