"""LIF neurons in JAX: one hidden layer, surrogate gradients through time, compiled by XLA.

pip install jax
harness run --plugins docs/examples/plugins/jax_lif.py,native-bptt
"""

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"  # one thread, as the other rows have

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from harness.plugin import Evaluation, Layer, Parameter, Presets, hookimpl
from harness.plugin.toolkit.adapter import Mirrored, tensor_of

STEPS, BETA = 12, 0.9


@hookimpl
def harness_presets():
    return Presets(
        {
            "hidden": Parameter(100, "hidden neurons", low=1),
            "lr": Parameter(0.3, "learning rate", low=0.0),
            "epochs": Parameter(10, "passes over the training data", low=1),
            "batch_size": Parameter(32, "samples an update", low=1),
        }
    )


@hookimpl
def harness_build_model(task, params, device):
    import torch

    keys = jax.random.split(jax.random.key(torch.initial_seed() % 2**32), 2)  # the trial's seed
    shapes = {"input": (params.hidden, task.inputs), "output": (task.classes, params.hidden)}
    weights = {
        name: scale * jax.random.normal(key, shape) / shape[1] ** 0.5
        for key, (name, shape), scale in zip(keys, shapes.items(), (2.0, 1.0), strict=True)
    }
    model = Mirrored(weights, array=jnp.asarray)
    model.lr = params.lr
    return model


@hookimpl
def harness_encode(model, inputs, generator):
    return inputs.flatten(1).expand(STEPS, -1, -1)  # the pixels as a constant current


@jax.custom_jvp
def spike(v):
    """1 where the membrane potential is at or above the threshold, v >= 0."""
    return (v >= 0).astype(v.dtype)


@spike.defjvp
def _surrogate(primals, tangents):
    (v,), (dv,) = primals, tangents
    return spike(v), dv / (1 + jnp.abs(v)) ** 2


@jax.jit
def forward(weights, current):
    """The hidden layer's spikes [T, B, n] and the scores after each step [T, B, C]."""
    arriving = current @ weights["input"].T

    def step(potential, _):
        potential = BETA * potential + arriving
        fired = spike(potential - 1)
        return potential - lax.stop_gradient(fired), fired

    _, fired = lax.scan(step, jnp.zeros_like(arriving), length=STEPS)
    so_far = jnp.cumsum(fired, 0) / jnp.arange(1, STEPS + 1)[:, None, None]
    return fired, so_far @ weights["output"].T


@partial(jax.jit, static_argnames="lr")
def update(weights, current, targets, lr):
    def loss(weights):
        likely = jax.nn.log_softmax(forward(weights, current)[1][-1])
        return -jnp.take_along_axis(likely, targets[:, None], 1).mean()

    value, gradients = jax.value_and_grad(loss)(weights)
    return value, jax.tree.map(lambda w, g: w - lr * g, weights, gradients)


@hookimpl
def harness_train_step(model, spikes, targets):
    current, classes = jnp.asarray(spikes[0].numpy()), jnp.asarray(targets.numpy())
    loss, model.values = update(model.values, current, classes, model.lr)
    return {"loss": float(loss)}


@hookimpl
def harness_evaluate(model, spikes, record):
    fired, scores = map(tensor_of, forward(model.values, jnp.asarray(spikes[0].numpy())))
    if not record:
        return Evaluation(scores)
    return Evaluation(
        scores,
        [
            Layer("hidden", spikes, model.get_parameter("input"), fired),
            Layer("output", fired, model.get_parameter("output"), None),
        ],
    )
