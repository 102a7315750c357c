from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params, Unsupported
from harness.errors import InvalidOutput, UsageError
from harness.worker import state
from harness.worker.train import ScalarMeans, run_trial, seed_everything, train

# --- a whole trial --------------------------------------------------------------------------------


def test_a_trial_learns_and_says_what_it_measured(run, tmp_path):
    stages = []
    found = run(epochs=12, report=lambda progress: stages.append(progress.stage))
    assert found.params == {"steps": 4, "epochs": 12, "batch_size": 64}
    metrics = found.metrics
    assert metrics["test_accuracy"] > 0.9
    assert metrics["train_accuracy"] > 0.9
    assert metrics["validation_accuracy"] > 0.9
    assert metrics["accuracy_by_step"][-1] == metrics["test_accuracy"]
    assert 1 <= metrics["decision_step"] <= 4
    assert metrics["test_size"] == 300
    assert metrics["parameters"] == 64 * 10 + 10
    assert metrics["footprint_bytes"] == 4 * metrics["parameters"]
    assert metrics["train_seconds"] > 0
    assert metrics["synops_mac"] == 0
    assert 0 < metrics["synops_ac"] < metrics["synops_dense"] == 4 * 640
    assert [layer["name"] for layer in found.layers] == ["readout"]
    losses = [epoch["loss"] for epoch in found.history]
    assert len(losses) == 12
    assert losses[0] > 2 * losses[-1]
    assert stages[0] == "build"
    assert stages[-1] == "save"
    assert list(dict.fromkeys(stages)) == [
        "build", "train", "finish", "evaluate test", "evaluate validation", "evaluate train", "save",
    ]  # fmt: skip
    assert found.versions["torch"] == str(torch.__version__)
    assert (tmp_path / "state.safetensors").is_file()


WITHOUT_LAYERS = """
@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes))
"""

STRANGE = """
@hookimpl
def harness_evaluate(model, spikes, record):
    emitted = (spikes > 0.5).float()
    return Evaluation(model(spikes), [Layer("gated", spikes, nn.GRUCell(64, 10), emitted)])
"""


def test_a_metric_that_cannot_be_computed_is_absent_with_a_reason_never_0(run):
    found = run(WITHOUT_LAYERS)
    for metric in ("synops_ac", "synops_dense", "activation_sparsity", "energy_modelled_nj"):
        assert metric not in found.metrics
        assert found.absent[metric] == "the plugin records no layer"
    assert found.layers == []


def test_a_connection_of_unknown_kind_leaves_the_sparsity(run):
    found = run(STRANGE)
    assert 0 < found.metrics["activation_sparsity"] < 1
    for metric in ("synops_ac", "synops_mac", "synops_dense", "energy_modelled_nj"):
        assert metric not in found.metrics
        reason = "no operations can be counted for a module GRUCell, of layer 'gated'"
        assert found.absent[metric] == reason


def test_the_modelled_energy_is_that_of_the_operations(run):
    found = run()
    assert found.metrics["energy_modelled_nj"] == 0.9 * found.metrics["synops_ac"] / 1000
    assert found.absent == {
        "activation_sparsity": "no recorded layer has outputs",
        "spikes_per_sample": "no recorded layer emits spikes",
    }


def test_two_trials_of_one_seed_are_equal_bit_for_bit(run, tmp_path):
    first, second, other = (
        run(seed=seed, state=name) for seed, name in ((5, "first"), (5, "second"), (6, "other"))
    )
    for found in (first, second, other):
        found.metrics.pop("train_seconds")
    assert first == second
    assert first.history != other.history
    states = [
        (tmp_path / f"{name}.safetensors").read_bytes() for name in ("first", "second", "other")
    ]
    assert states[0] == states[1] != states[2]


def test_what_others_drew_before_does_not_matter(run):
    first = run()
    torch.rand(17)
    second = run()
    assert first.history == second.history


def test_wrong_parameters_end_the_trial_before_anything_is_built(run):
    code = "@hookimpl\ndef harness_build_model():\n    raise AssertionError('built')"
    with pytest.raises(UsageError, match="parameter steps: 0 is below"):
        run(code, steps=0)
    with pytest.raises(UsageError, match="unknown parameter 'step': did you mean 'steps'"):
        run(code, step=1)


def test_a_task_that_a_plugin_cannot_do_is_unsupported(run):
    with pytest.raises(Unsupported, match="only for images"):
        run(
            "from harness.plugin import Unsupported\n@hookimpl\ndef harness_build_model():\n"
            "    raise Unsupported('only for images')"
        )


@pytest.mark.parametrize(
    ("hook", "body", "reason"),
    [
        ("build_model(task)", "return task", "harness_build_model: returned Task, wanted nn.Module"),
        ("encode(inputs)", "return None", "harness_encode: returned nothing, wanted a tensor"),
        ("encode(inputs)", "return 5", "harness_encode: returned int, wanted a tensor"),
        ("encode(inputs)", "return inputs[:1]", "harness_encode: shape (1, 1, 8, 8), wanted [T, B=64"),
        ("encode(inputs)", "return inputs.log()[None]", "harness_encode: spikes: not finite"),
        ("train_step(model)", "return 0.5", "harness_train_step: returned float, wanted a mapping"),
        ("train_step(model)", "return {'loss': float('nan')}", "harness_train_step: loss is nan"),
        ("train_step(model)", "return {'loss': torch.tensor(torch.inf)}", "harness_train_step: loss"),
        ("finish_training()", "return 5", "harness_finish_training: returned int, wanted a mapping"),
        ("finish_training()", "return {'q': float('inf')}", "harness_finish_training: q is inf"),
    ],
)  # fmt: skip
def test_a_hook_that_hands_back_what_it_may_not_is_named(run, hook, body, reason):
    with pytest.raises(InvalidOutput) as error:
        run(f"@hookimpl\ndef harness_{hook}:\n    {body}\n")
    assert str(error.value).startswith(reason)


def test_a_single_nan_in_a_long_training_is_found(run):
    code = """
calls = []

@hookimpl
def harness_train_step(model, spikes, targets):
    calls.append(1)
    return {"loss": float("nan") if len(calls) == 6 else 1.0}
"""
    with pytest.raises(InvalidOutput, match="harness_train_step: loss is nan"):
        run(code, epochs=3)


def test_missing_hooks_are_named_together(hooks):
    with pytest.raises(
        InvalidOutput, match="does not implement harness_build_model, harness_encode"
    ):
        hooks("del harness_build_model, harness_encode")


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


# --- the order of the data ------------------------------------------------------------------------

REMEMBERS = """
seen = []

@hookimpl
def harness_train_step(model, spikes, targets):
    assert model.training and torch.is_grad_enabled()
    seen.append(targets.tolist())
    {draw}
    return {{}}
"""


@pytest.fixture
def order(hooks, data):
    """The targets that each training step was given."""

    def find(seed, draw="pass", encode="", epochs=2, batch_size=32):
        plugin = hooks(REMEMBERS.format(draw=draw) + encode)
        params = Params(epochs=epochs, batch_size=batch_size, steps=2)
        seed_everything(seed)
        model = plugin.build_model(data.task, params, torch.device("cpu"))
        train(plugin, model, params, data.train, seed, lambda _: None)
        import sys

        return sys.modules["harness_file_mine"].seen

    return find


def test_the_order_is_the_same_for_every_plugin_at_a_seed(order):
    one = order(seed=3)
    greedy = order(seed=3, draw="torch.rand(99); torch.randperm(5)")
    other_code = (
        "\n@hookimpl\ndef harness_encode(inputs, generator):\n"
        "    torch.rand(7, generator=generator)\n    return inputs[None]\n"
    )
    assert one == greedy == order(seed=3, encode=other_code)
    assert one != order(seed=4)


def test_training_mode_is_the_hosts_to_set(order):
    code = """
@hookimpl
def harness_build_model(task, params):
    model = nn.Linear(task.inputs, task.classes).eval()
    model.steps = params.steps
    return model
"""
    assert order(seed=0, encode=code) == order(seed=0)  # its steps assert that they train


def test_every_epoch_is_another_order_of_all_samples(order, data):
    found = order(seed=0, epochs=2, batch_size=32)
    assert [len(batch) for batch in found] == [32, 32, 32, 32, 32, 32, 11] * 2
    epochs = [[*chain(*found[:7])], [*chain(*found[7:])]]
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(data.train.targets.tolist())


def test_a_batch_larger_than_the_data_is_all_of_them(order):
    assert [len(batch) for batch in order(seed=0, epochs=1, batch_size=9999)] == [203]


def test_finishing_sees_all_training_data_in_their_order_as_often_as_it_likes(run, data):
    code = """
@hookimpl
def harness_finish_training(model, batches, generator):
    assert not model.training and not torch.is_grad_enabled()
    first, second = ([t for _, targets in batches for t in targets.tolist()] for _ in range(2))
    assert first == second
    return {"digest": float(sum(n * t for n, t in enumerate(first)))}
"""
    digest = sum(n * t for n, t in enumerate(data.train.targets.tolist()))
    assert run(code).metrics["digest"] == digest


def test_inputs_are_floats_between_0_and_1(data):
    inputs, targets = data.train.take(slice(0, 5))
    assert inputs.shape == (5, 1, 8, 8)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert torch.equal(data.train.inputs[:5] / 16, inputs)
    assert data.task.train_size == 203


# --- scalars --------------------------------------------------------------------------------------


def test_means_are_over_the_steps_and_keep_no_graph():
    means = ScalarMeans()
    weight = torch.ones((), requires_grad=True)
    for value in (1.0, 2.0, 6.0):
        means.add({"tensor": weight * value, "float": value})
    assert means.read() == {"tensor": 3.0, "float": 3.0}
    assert not means._sums["tensor"].requires_grad
    assert ScalarMeans().read() == {}


# --- the state on disk ----------------------------------------------------------------------------


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


def test_a_model_that_is_built_otherwise_does_not_load(tmp_path):
    path = str(tmp_path / "state.safetensors")
    state.save(torch.nn.Linear(3, 3), path)
    with pytest.raises(InvalidOutput, match=r"state_dict: does not load again: .*size mismatch"):
        state.restore(torch.nn.Linear(4, 3), path)
    with pytest.raises(InvalidOutput, match=r"does not load again: .*Missing key"):
        state.restore(torch.nn.BatchNorm1d(3), path)


def test_a_state_cannot_be_written_everywhere(hooks, request_for):
    request = request_for().model_copy(update={"state": "/proc/nowhere/state"})
    with pytest.raises(OSError, match="nowhere"):
        run_trial(request, hooks(), lambda _: None)
    assert not Path("/proc/nowhere").exists()


def test_scalar_means_of_a_tensor_that_is_written_to_in_place():
    means, loss = ScalarMeans(), torch.zeros(())
    for step in range(100):  # past the steps that are added up at once
        loss.fill_(step)
        means.add({"loss": loss, "mixed": float(step) if step % 2 else loss})
    assert means.read() == pytest.approx({"loss": 49.5, "mixed": 49.5})
    assert means.read() == pytest.approx({"loss": 49.5, "mixed": 49.5})
