from __future__ import annotations

import weakref
from itertools import chain

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file

from harness.errors import InvalidOutput
from harness.plugin import Params, Unsupported
from harness.worker.seeds import seed_everything
from harness.worker.train import ScalarMeans, train

# --- a whole trial --------------------------------------------------------------------------------


def test_a_trial_learns_and_says_what_it_measured(run, tmp_path):
    stages = []
    found = run(epochs=12, report=lambda progress: stages.append(progress.stage))
    metrics = found.metrics
    assert metrics["train_accuracy"] > 0.9
    assert metrics["validation_accuracy"] > 0.9
    predicted = load_file(tmp_path / "state.predictions.safetensors")["predicted"]
    assert predicted.shape == (4, 300)  # steps and samples
    assert (predicted[-1] == torch.arange(300) % 10).float().mean() > 0.9
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
def harness_build_model(task, params):
    model = nn.Linear(task.inputs, task.classes)
    model.steps, model.cell = params.steps, nn.GRUCell(64, 10)
    return model

@hookimpl
def harness_train_step(model):
    return {}

@hookimpl
def harness_evaluate(model, spikes, record):
    emitted = (spikes > 0.5).float()
    return Evaluation(model(spikes), [Layer("gated", spikes, model.cell, emitted)])
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
    nanojoules = 0.9 * found.metrics["synops_ac"] / 1000
    assert found.metrics["energy_modelled_nj"] == pytest.approx(nanojoules)
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
        ("finish_training()", "return 0", "harness_finish_training: returned int, wanted a mapping"),
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
def order(hooks, data, plugin_module):
    """The targets that each training step was given."""

    def find(seed, draw="pass", encode="", epochs=2, batch_size=32):
        plugin = hooks(REMEMBERS.format(draw=draw) + encode)
        params = Params(epochs=epochs, batch_size=batch_size, steps=2)
        seed_everything(seed)
        model = plugin.build_model(data.task, params, torch.device("cpu"))
        train(plugin, model, params, data.train, seed, lambda _: None)
        return plugin_module().seen

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
    assert run(code).scalars == {"digest": digest}


def test_what_a_plugin_returns_when_it_finishes_never_takes_the_place_of_a_metric(run):
    own = """
@hookimpl
def harness_finish_training():
    return {"train_seconds": 0, "device": 1, "test_accuracy": torch.tensor(2.0), "unlike": 0.5}
"""
    found, plain = run(own), run()
    assert found.scalars == {"train_seconds": 0, "device": 1, "test_accuracy": 2, "unlike": 0.5}
    assert plain.scalars == {}
    assert found.metrics.pop("train_seconds") > 0
    plain.metrics.pop("train_seconds")
    assert found.metrics == plain.metrics


# --- scalars --------------------------------------------------------------------------------------


def test_means_are_over_the_steps():
    means = ScalarMeans()
    for value in (1.0, 2.0, 6.0):
        means.add({"tensor": torch.tensor(value), "float": value})
    assert means.read() == {"tensor": 3.0, "float": 3.0}
    assert ScalarMeans().read() == {}


def test_means_keep_no_graph():
    """What the graph of a loss holds for its backward pass goes with the loss."""

    class Saved:
        def __init__(self, tensor):
            self.tensor = tensor

    saved = []

    def save(tensor):
        kept = Saved(tensor)
        saved.append(weakref.ref(kept))
        return kept

    means, weight = ScalarMeans(), torch.ones((), requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(save, lambda kept: kept.tensor):
        means.add({"loss": weight.square()})
    assert [each() for each in saved] == [None]
    assert means.read() == {"loss": 1}


def test_means_that_are_not_finite_are_told_with_the_hook_that_returned_them():
    means = ScalarMeans("harness_train_sequence")
    means.add({"loss": torch.tensor(torch.inf)})
    with pytest.raises(InvalidOutput, match=r"^harness_train_sequence: loss is inf"):
        means.read()


def test_scalar_means_of_a_tensor_that_is_written_to_in_place():
    means, loss = ScalarMeans(), torch.zeros(())
    for step in range(100):  # past the steps that are added up at once
        loss.fill_(step)
        means.add({"loss": loss, "mixed": float(step) if step % 2 else loss})
    assert means.read() == pytest.approx({"loss": 49.5, "mixed": 49.5})
    assert means.read() == pytest.approx({"loss": 49.5, "mixed": 49.5})
