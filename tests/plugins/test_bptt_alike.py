"""The same network on every framework that is there."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from harness.plugin.toolkit.recurrence import run

from . import textbook


def pair(framework):
    pytest.importorskip(framework)
    return (
        pytest.importorskip("harness_native.bptt"),
        pytest.importorskip(f"harness_{framework}.bptt"),
    )


@pytest.mark.native
@pytest.mark.parametrize(
    "framework",
    [
        pytest.param("norse", marks=pytest.mark.norse),
        pytest.param("sinabs", marks=pytest.mark.sinabs),
        pytest.param("snntorch", marks=pytest.mark.snntorch),
        pytest.param("spikingjelly", marks=pytest.mark.spikingjelly),
    ],
)
class TestAgainstNative:
    @pytest.mark.parametrize("detach", [True, False])
    @pytest.mark.parametrize("beta", [0.5, 0.9, 1.0])
    def test_one_training_step_is_the_same(self, framework, beta, detach):
        if framework == "norse" and beta == 1:
            pytest.skip("Norse has no neuron without a leak")
        inputs, targets = textbook.batch()
        found = []
        for module in pair(framework):
            network = textbook.build(module, beta=beta, detach=detach, dropout=0.2)
            torch.manual_seed(3)
            emitted = network(inputs)[1:]
            scores = module.harness_evaluate(network.eval(), inputs, record=False).scores
            torch.manual_seed(3)
            module.harness_train_step(network.train(), inputs, targets)
            found.append((emitted, scores, [weight.grad for weight in network.weights]))
        (ours, our_scores, our_grads), (theirs, their_scores, their_grads) = found
        assert all(map(torch.equal, ours, theirs))
        assert torch.equal(our_scores, their_scores)
        for our_grad, their_grad in zip(our_grads, their_grads):
            assert (our_grad - their_grad).abs().max() < 1e-6 * our_grad.abs().max()

    @pytest.mark.parametrize("adaptive", [0.0, 0.5])
    @pytest.mark.parametrize("detach", [True, False])
    def test_one_training_step_of_a_recurrent_network_is_the_same(
        self, framework, detach, adaptive
    ):
        inputs, targets = textbook.batch()
        found = []
        for module in pair(framework):
            network = textbook.build(
                module, network="recurrent", recurrent_gain=2.0, adaptive=adaptive, detach=detach
            )
            emitted = network(inputs)[1:]
            module.harness_train_step(network.train(), inputs, targets)
            found.append((emitted, [weight.grad for weight in textbook.connections(network)]))
        (ours, our_grads), (theirs, their_grads) = found
        assert all(0.02 < spikes.mean() < 0.6 for spikes in ours)
        assert all(map(torch.equal, ours, theirs))
        for our_grad, their_grad in zip(our_grads, their_grads, strict=True):
            assert (our_grad - their_grad).abs().max() < 1e-5 * our_grad.abs().max()

    def test_a_step_at_a_time_is_the_same_neuron(self, framework):
        """The recurrent layer's neurons, step by step, against the framework's own run of a sequence."""
        network = textbook.build(pair(framework)[1], network="recurrent")
        currents = torch.rand(40, 8, 32, generator=torch.Generator().manual_seed(0))
        currents = currents.requires_grad_()
        weights = torch.randn(currents.shape, generator=torch.Generator().manual_seed(1))
        whole = network.neurons(currents)
        (wanted,) = torch.autograd.grad((whole * weights).sum(), currents)
        stepped = run(currents, network.step)
        (found,) = torch.autograd.grad((stepped * weights).sum(), currents)
        assert torch.equal(whole, stepped)
        assert 0.1 < whole.mean() < 0.9
        assert (wanted - found).abs().max() < 1e-6 * wanted.abs().max()

    def test_presets_and_parameters_are_the_same(self, framework):
        native, other = (module.harness_presets() for module in pair(framework))
        assert native.values["best"] == other.values["best"]
        assert native.values["quick"] == other.values["quick"]
        own = {"alpha", "surrogate"}
        for name in native.parameters.keys() - own:
            assert native.parameters[name] == other.parameters[name]
        ours, theirs = (p.parameters["surrogate"] for p in (native, other))
        assert set(theirs.choices) <= set(ours.choices)
        assert dataclasses.replace(ours, choices=theirs.choices) == theirs
