"""The trained state on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker import state
from harness.worker.train import run_trial


def test_a_state_comes_back_bit_for_bit(tmp_path):
    def build():
        model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
        model.tied = model[0].weight  # shares its memory
        model.register_buffer("steps", torch.tensor(7))
        model.register_buffer("strided", torch.arange(6.0).view(2, 3).t())
        return model

    model, again = build(), build()
    path = tmp_path / "deep" / "state.safetensors"
    state.save(model, str(path))
    state.restore(again, str(path))
    wanted, found = model.state_dict(), again.state_dict()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)


@pytest.mark.parametrize("change", [lambda c: c[:20], lambda c: b"\xff" * 8 + c[8:], lambda c: b""])
def test_a_file_that_is_damaged_is_one_line(tmp_path, change):
    path = tmp_path / "state.safetensors"
    state.save(torch.nn.Linear(3, 3), str(path))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InvalidOutput, match=r"^state: state\.safetensors cannot be read: "):
        state.restore(torch.nn.Linear(3, 3), str(path))


def test_a_model_that_is_built_otherwise_does_not_load(tmp_path):
    path = str(tmp_path / "state.safetensors")
    state.save(torch.nn.Linear(3, 3), path)
    with pytest.raises(InvalidOutput, match=r"state_dict: does not load again: .*size mismatch"):
        state.restore(torch.nn.Linear(4, 3), path)
    with pytest.raises(InvalidOutput, match=r"does not load again: .*Missing key"):
        state.restore(torch.nn.BatchNorm1d(3), path)


def test_a_state_of_another_dtype_is_refused_instead_of_converted(tmp_path):
    path = str(tmp_path / "state.safetensors")
    state.save(torch.nn.Linear(2, 3, bias=False).half(), path)
    with pytest.raises(InvalidOutput) as error:
        state.restore(torch.nn.Linear(2, 3, bias=False), path)
    assert str(error.value) == (
        "state_dict: 'weight' is float16 [3, 2] in the trained network and float32 [3, 2] in one that is "
        "built again; harness_build_model has to build what is saved"
    )


def test_entries_that_a_model_loads_otherwise_are_named():
    class Rounds(torch.nn.Linear):
        def load_state_dict(self, entries):
            self.weight.data = entries["weight"].round()

    class Forgets(torch.nn.Linear):
        def load_state_dict(self, entries):
            del self.bias
            self.bias = None

    saved = state.entries(torch.nn.Linear(2, 3))
    model = Rounds(2, 3)
    state.load(model, saved)
    with pytest.raises(InvalidOutput, match="'weight' has other values when it is loaded again"):
        state.check_values(model, saved)
    with pytest.raises(InvalidOutput, match="'bias' is gone when the state is loaded again"):
        state.load(Forgets(2, 3), saved)


def test_what_is_not_a_number_may_be_in_a_state():
    model = torch.nn.Linear(2, 3)
    model.register_buffer("unset", torch.tensor([torch.nan, torch.inf]))
    state.check_values(model, state.entries(model))


def test_a_state_cannot_be_written_everywhere(hooks, request_for):
    request = request_for().model_copy(update={"state": "/proc/nowhere/state"})
    with pytest.raises(OSError, match="nowhere"):
        run_trial(request, hooks(), lambda _: None)
    assert not Path("/proc/nowhere").exists()


def test_a_state_that_is_no_tensor_is_refused(run):
    code = """
class Odd(nn.Linear):
    def get_extra_state(self):
        return "text"
    def set_extra_state(self, state):
        pass

@hookimpl
def harness_build_model(task, params):
    model = Odd(task.inputs, task.classes)
    model.steps = params.steps
    return model
"""
    with pytest.raises(InvalidOutput, match="state_dict: '_extra_state' is str, wanted a tensor"):
        run(code)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1], "returned list, wanted a mapping"),
        ({"a": 1.5}, "'a' is float, wanted a tensor"),
        ({"a": torch.eye(2).to_sparse()}, "'a' is a tensor of kind sparse_coo, wanted a dense one"),
        ({"a": torch.zeros(2, device="meta")}, "'a' is a tensor of kind meta, wanted a dense one"),
        ({"a\nb": torch.zeros(2)}, r"'a\\nb' is no name that can be written"),
        ({3: torch.zeros(2)}, "3 is no name that can be written"),
    ],
)
def test_a_state_that_cannot_be_kept_is_told(values, told):
    class Odd(torch.nn.Module):
        def state_dict(self):
            return values

    with pytest.raises(InvalidOutput, match=f"state_dict: {told}"):
        state.check(Odd())


def test_a_training_whose_state_cannot_be_kept_is_not_begun(run):
    code = """
class Odd(nn.Linear):
    def state_dict(self):
        return {"a": 1}

@hookimpl
def harness_build_model(task, params):
    return Odd(task.inputs, task.classes)

@hookimpl
def harness_train_step(model):
    raise AssertionError("it was begun")
"""
    with pytest.raises(InvalidOutput, match="state_dict: 'a' is int, wanted a tensor"):
        run(code)
