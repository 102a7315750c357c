"""The same network on every framework that is there."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

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
