"""LIF neurons in numpy alone: one hidden layer, trained by direct feedback of the error.

    harness run --plugins docs/examples/plugins/numpy_lif.py,native-dfa

No gradient flows back: the hidden layer gets the error of the output through fixed random weights
(Nøkland 2016), times a surrogate of its spikes' derivative (Samadi, Lillicrap and Tweed 2017).
"""

import numpy as np

from harness.plugin import Evaluation, Layer, Parameter, Presets, hookimpl
from harness.plugin.toolkit.adapter import Mirrored, tensor_of

STEPS, BETA = 12, 0.9


@hookimpl
def harness_presets():
    return Presets(
        {
            "hidden": Parameter(100, "hidden neurons", low=1),
            "lr": Parameter(0.5, "learning rate", low=0.0),
            "epochs": Parameter(10, "passes over the training data", low=1),
            "batch_size": Parameter(32, "samples an update", low=1),
        }
    )


@hookimpl
def harness_build_model(task, params, device):
    import torch

    rng = np.random.default_rng(torch.initial_seed() % 2**32)  # the host's seed of this trial
    shapes = {
        "input": (params.hidden, task.inputs),
        "output": (task.classes, params.hidden),
        "feedback": (params.hidden, task.classes),
    }
    scale = {"input": 2.0, "output": 1.0, "feedback": 1.0}
    weights = {
        name: (scale[name] * rng.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32)
        for name, shape in shapes.items()
    }
    model = Mirrored(weights, array=np.asarray)
    model.lr = params.lr
    return model


@hookimpl
def harness_encode(model, inputs, generator):
    return inputs.flatten(1).expand(STEPS, -1, -1)  # the pixels as a constant current


def forward(weights, current):
    """Spikes [T, B, n] and membrane potentials of the hidden layer for a constant `current` [B, n_in]."""
    arriving = current @ weights["input"].T
    potential, spikes, potentials = np.zeros_like(arriving), [], []
    for _ in range(STEPS):
        potential = BETA * potential + arriving
        fired = (potential >= 1).astype(np.float32)
        potentials.append(potential)
        potential = potential - fired
        spikes.append(fired)
    return np.stack(spikes), np.stack(potentials)


@hookimpl
def harness_train_step(model, spikes, targets):
    weights, current = model.values, spikes[0].numpy()
    fired, potentials = forward(weights, current)
    rates = fired.mean(0)
    scores = rates @ weights["output"].T
    likely = np.exp(scores - scores.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    error = likely - np.eye(scores.shape[1], dtype=np.float32)[targets.numpy()]
    surrogate = (1 / (1 + np.abs(potentials - 1)) ** 2).mean(0)
    back = (error @ weights["feedback"].T) * surrogate
    step = model.lr / len(current)
    model.values = {
        **weights,
        "output": weights["output"] - step * error.T @ rates,
        "input": weights["input"] - step * back.T @ current,
    }
    picked = likely[np.arange(len(likely)), targets.numpy()]
    return {"loss": float(-np.log(np.maximum(picked, 1e-9)).mean())}


@hookimpl
def harness_evaluate(model, spikes, record):
    fired, _ = forward(model.values, spikes[0].numpy())
    so_far = np.cumsum(fired, 0) / np.arange(1, STEPS + 1)[:, None, None]
    scores = tensor_of(so_far @ model.values["output"].T)
    if not record:
        return Evaluation(scores)
    hidden = tensor_of(fired)
    return Evaluation(
        scores,
        [
            Layer("hidden", spikes, model.get_parameter("input"), hidden),
            Layer("output", hidden, model.get_parameter("output"), None),
        ],
    )
