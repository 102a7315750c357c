"""What is known of a trained network beside its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Params
from harness.worker import repeats, state, steps, wiring
from harness.worker.data import TaskData
from harness.worker.evaluate import ENCODE_SEED, Beginning
from harness.worker.hooks import Hooks
from harness.worker.proof.in_use import NOT_PROVED, neuron_in_use
from harness.worker.seeds import seed_with_own
from harness.worker.unrecorded import Unrecorded, taking_part


@torch.no_grad()
def examined(
    hooks: Hooks,
    model: nn.Module,
    build: Callable[[], nn.Module],
    data: TaskData,
    beginning: Beginning | None,
) -> dict[str, Any]:
    """The facts `random_answers` and `unseeded_answers`, where answers change by chance.

    `beginning` are the first samples of the evaluation of the test split. See `repeats` for what is
    refused.
    """
    samples = min(repeats.SAMPLES, len(data.test) // 2)
    if beginning is None or not samples:
        return {}
    batch, before = beginning.spikes[:, :samples], beginning.scores[:samples]
    device = batch.device

    def encode(values: Tensor, seed: int) -> Tensor:
        draws = torch.Generator(device=device).manual_seed(ENCODE_SEED + seed)
        return hooks.encode(model.eval(), values, draws)

    def scores_of(network: nn.Module, record: bool = False) -> repeats.Evaluate:
        def scores(spikes: Tensor, seed: int) -> Tensor:
            seed_with_own(seed, network)
            return hooks.evaluate(network, spikes, record).scores

        return scores

    def rebuilt() -> repeats.Evaluate:
        network = build()
        state.load(network, state.entries(model))
        return scores_of(network.eval())

    def others() -> Tensor:
        return encode(data.test.take_inputs(slice(samples, 2 * samples)), 0)

    repeats.encoded_alone(encode, data.test.take_inputs(slice(0, samples)))
    evaluate, recorded = scores_of(model), scores_of(model, record=True)
    if repeats.unchanged(evaluate, batch, before):
        over_time = beginning.recorded.scores[..., :samples, :]
        steps.causal(lambda spikes: recorded(spikes, 0), batch, over_time)
        wiring.deciding(beginning.recorded)
        return {}
    chance = repeats.independent(evaluate, rebuilt, batch, others)
    shares = {"random_answers": chance.random, "unseeded_answers": chance.unseeded}
    if not chance.random:
        repeats.alike_recorded(evaluate, recorded, batch)
        wiring.deciding(beginning.recorded)
    return {name: share for name, share in shares.items() if share}


@torch.no_grad()
def unrecorded_fact(
    hooks: Hooks,
    model: nn.Module,
    build: Callable[[], nn.Module],
    spikes: Tensor,
    missing: Unrecorded,
) -> dict[str, Any]:
    """The fact `unrecorded`, where scores of `spikes` [T, B, ...] depend on weights that no layer has."""

    def evaluate(values: Mapping[str, Tensor]) -> Evaluation:
        network = build()
        # Loaded, not written: a network of another framework makes arrays of its parameters then.
        state.load(network, state.entries(model) | dict(values))
        seed_with_own(ENCODE_SEED, network)
        return hooks.evaluate(network.eval(), spikes, True)

    return taking_part(missing, evaluate)


def neuron_fact(hooks: Hooks, model: nn.Module, params: Params) -> dict[str, Any]:
    """The fact `neuron` of a model that claims to use the textbook's, itself or by its family."""
    if hooks.lacks("harness_neuron"):
        return {"neuron": NOT_PROVED} if hooks.presets().family else {}
    used = hooks.neuron(model.eval())
    if used is None:
        return {}
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    with hooks.running("harness_neuron"):
        return {"neuron": neuron_in_use(used, params, device)}
