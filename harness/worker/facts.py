"""What is known of a trained network beside its metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from harness.plugin import Params
from harness.worker import repeats, state, wiring
from harness.worker.data import TaskData
from harness.worker.evaluate import ENCODE_SEED
from harness.worker.hooks import Hooks
from harness.worker.proof.in_use import NOT_PROVED, neuron_in_use


@torch.no_grad()
def examined(
    hooks: Hooks, model: nn.Module, build: Callable[[], nn.Module], data: TaskData
) -> dict[str, Any]:
    """The fact `random_answers`, where answers change by chance; see `repeats` for what is refused."""
    samples = min(repeats.SAMPLES, len(data.test) // 2)
    if not samples:
        return {}
    inputs = data.test.take_inputs(slice(0, samples))
    others = data.test.take_inputs(slice(samples, 2 * samples))
    device = inputs.device

    def encode(values: Tensor, seed: int) -> Tensor:
        draws = torch.Generator(device=device).manual_seed(ENCODE_SEED + seed)
        return hooks.encode(model.eval(), values, draws)

    def scores_of(network: nn.Module) -> repeats.Evaluate:
        return lambda spikes: hooks.evaluate(network, spikes, False).scores

    def rebuilt() -> repeats.Evaluate:
        network = build()
        state.load(network, state.entries(model))
        return scores_of(network.eval())

    repeats.encoded_alone(encode, inputs)
    batch = encode(inputs, 0)
    chance = repeats.independent(scores_of(model), rebuilt, batch, encode(others, 0))
    recorded = hooks.evaluate(model, batch, True)
    wiring.feeding(recorded, batch)
    if chance:
        return {"random_answers": chance}
    wiring.deciding(recorded)
    return {}


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
