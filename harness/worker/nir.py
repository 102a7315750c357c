"""A trained network as a graph of NIR, the neuromorphic intermediate representation.

Pedersen et al. 2024, "Neuromorphic intermediate representation: a unified instruction set for
interoperable brain-inspired computing", Nature Communications 15:8122. The graph is made of what a plugin
tells the host anyway: the recorded layers and the neuron of `harness_neuron`. Before it is kept, it is read
back and run by NIR's equations, and has to give the network's spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.plugin import SPIKE_TRAIN, Layer, Neuron, Params, Unsupported
from harness.protocol.events import Measured, Progress
from harness.protocol.requests import ExportNetwork
from harness.worker import state
from harness.worker.data import load
from harness.worker.devices import on_device
from harness.worker.evaluate import ENCODE_SEED
from harness.worker.hooks import Hooks
from harness.worker.seeds import seed_everything

#: How many test samples the graph is run on.
SAMPLES = 32
#: The largest fraction of steps, samples and neurons with another spike, for rounding near the threshold.
_ROUNDING = 1e-3
_MISSING = "--format nir needs nir: pip install 'snn-harness[nir]'"


@torch.no_grad()
def export(request: ExportNetwork, hooks: Hooks, report: Callable[[Progress], None]) -> Measured:
    """Writes the graph to `request.path`; facts: its neurons, and the fraction of spikes that differ.

    Unsupported where NIR cannot say the network, or it says another one.
    """
    nir = _nir()
    report(Progress(stage="build"))
    trial, row = request.trial, request.trial.row
    device = on_device("cpu", row.threads)
    data = load(row.task, request.data, device, trial.seed, limit=row.limit)
    if data.task.kind == SPIKE_TRAIN:
        raise Unsupported("a network that is fitted to a spike train is not exported")
    seed_everything(trial.seed)
    model = hooks.build_model(data.task, Params(**row.params), device)
    state.check_values(model, state.restore(model, request.state))
    model.eval()
    used = None if hooks.lacks("harness_neuron") else hooks.neuron(model)
    if used is None:
        raise Unsupported(
            f"{row.plugin} does not say which neuron it uses (harness_neuron), so NIR cannot say it"
        )
    report(Progress(stage="export"))
    draws = torch.Generator(device=device).manual_seed(ENCODE_SEED)
    inputs = data.test.take_inputs(slice(0, SAMPLES))
    spikes = hooks.encode(model, inputs, draws)
    layers = hooks.evaluate(model, spikes, True).layers
    check_chain(layers, spikes)
    dt = request.dt or data.task.step_ms / 1000
    graph = graph_of(nir, layers, used.neuron, dt)
    graph.metadata = _metadata(request, used.neuron, dt)
    path = Path(request.path)
    nir.write(path, graph)
    try:
        differ = differing(_emitted(nir, nir.read(path), spikes.flatten(2), dt), layers)
        if differ > _ROUNDING:
            raise Unsupported(
                f"NIR's equations give other spikes than the network does: {differ:.1%} of its steps and "
                "neurons differ, so its neuron is none that NIR can say"
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    neurons = sum(layer.outputs[0, 0].numel() for layer in layers if layer.outputs is not None)
    return Measured(
        metrics={}, facts={"neurons": neurons, "layers": len(layers), "differ": differ, "dt": dt}
    )


def _nir() -> Any:
    try:
        import nir
    except ImportError:
        raise UsageError(_MISSING) from None
    if "v_reset" in nir.LIF.__dataclass_fields__:
        raise UsageError(
            f"nir {nir.version} resets a neuron to a fixed potential, and these subtract their threshold: "
            "install the version that says it, pip install 'nir<1.0.6'"
        )
    return nir


def check_chain(layers: Sequence[Layer], spikes: Tensor) -> None:
    """Unsupported where the `layers` are no chain of linear connections and neurons from `spikes` on."""
    if len(layers) < 2 or layers[-1].outputs is not None:
        raise Unsupported("its last layer is no readout, or there is no layer before that")
    received = spikes.flatten(2)
    for layer in layers:
        kind = type(layer.connection).__name__
        if isinstance(layer.connection, nn.Module) and not isinstance(layer.connection, nn.Linear):
            raise Unsupported(f"layer {layer.name} is a {kind}: only linear layers are exported")
        if layer.inputs.shape != received.shape or not torch.equal(layer.inputs, received):
            raise Unsupported(
                f"layer {layer.name} does not receive what the layer before it emits, and nothing else"
            )
        if layer.outputs is not None:
            if not layer.spiking:
                raise Unsupported(f"layer {layer.name} does not spike")
            received = layer.outputs
        elif layer is not layers[-1]:
            raise Unsupported(f"layer {layer.name} has no neurons and is no readout")


def graph_of(nir: Any, layers: Sequence[Layer], neuron: Neuron, dt: float) -> Any:
    """The graph: for each layer an Affine, and a LIF (an IF for beta = 1) where it has neurons.

    NIR's LIF is tau dv/dt = (v_leak - v) + R I, with v - v_threshold after a spike. One step of forward
    Euler is v + dt / tau (R I - v), so tau = dt / (1 - beta) gives our decay; the current, which ours adds
    whole, comes with 1 / (1 - beta) in the weights, because most readers take R to be 1.
    """
    if neuron.reset != "subtract":
        raise Unsupported("its neurons reset to 0, and NIR's LIF subtracts the threshold")
    scale = 1.0 if neuron.beta == 1 else 1 / (1 - neuron.beta)
    nodes: list[Any] = []
    for layer in layers:
        weight, bias = _affine(layer)
        neurons = layer.outputs is not None
        factor = scale if neurons else 1.0
        nodes.append(nir.Affine(weight=weight * factor, bias=bias * factor))
        if neurons:
            each = np.ones(len(bias), np.float32)
            threshold = each * np.float32(neuron.theta)
            if neuron.beta == 1:
                nodes.append(nir.IF(r=each / np.float32(dt), v_threshold=threshold))
            else:
                tau = each * np.float32(dt / (1 - neuron.beta))
                nodes.append(nir.LIF(tau=tau, r=each, v_leak=0 * each, v_threshold=threshold))
    return nir.NIRGraph.from_list(*nodes)


def _affine(layer: Layer) -> tuple[Any, Any]:
    """The weight [n_out, n_in] and the bias [n_out] of a layer, float32."""
    connection = layer.connection
    linear = connection if isinstance(connection, nn.Linear) else None
    parameter: Any = connection if linear is None else linear.weight
    weight = parameter.detach().float().numpy()
    if linear is None or linear.bias is None:
        return weight, np.zeros(len(weight), np.float32)
    return weight, linear.bias.detach().float().numpy()


def _metadata(request: ExportNetwork, neuron: Neuron, dt: float) -> dict[str, Any]:
    """What a graph does not say: how its input is made, and how classes are read from its output."""
    row = request.trial.row
    return {
        "made_by": "snn-harness",
        "plugin": row.plugin,
        "framework": f"{row.framework} {row.framework_version}".strip(),
        "task": row.task,
        "preset": row.preset,
        "seed": request.trial.seed,
        "dt": dt,
        "beta": neuron.beta,
        "theta": neuron.theta,
        "equation": "U[t] = beta (U[t-1] - theta S[t-1]) + X[t], S[t] = 1 where U[t] >= theta; forward "
        "Euler of LIF with this dt, R = 1, and 1 / (1 - beta) in the weights before it",
        "input": "spikes or currents of one step, as the plugin encodes a sample",
        "output": "the readout's current in one step; the plugin averages it over steps into scores",
        "parameters": ", ".join(f"{name}={value}" for name, value in row.params.items()),
    }


def _emitted(nir: Any, graph: Any, inputs: Tensor, dt: float) -> list[Tensor]:
    """The spikes [T, B, n] of each layer of `graph` for `inputs` [T, B, n_in], by forward Euler."""
    emitted, received = [], inputs
    for node in _in_order(graph):
        if isinstance(node, nir.Affine):
            weight, bias = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
            received = received @ weight.T + bias
        elif isinstance(node, (nir.LIF, nir.IF)):
            received = _run(node, received, dt)
            emitted.append(received)
    return emitted


def _in_order(graph: Any) -> list[Any]:
    """The nodes of a chain, from its input to its output."""
    follows = dict(graph.edges)
    name = next(iter(graph.inputs))
    nodes = [graph.nodes[name]]
    while name := follows.get(name, ""):
        nodes.append(graph.nodes[name])
    return nodes


def _run(node: Any, currents: Tensor, dt: float) -> Tensor:
    """Spikes of LIF or IF neurons; a potential of just v_threshold spikes here, as in our equations."""
    leak = torch.from_numpy(dt / node.tau) if hasattr(node, "tau") else None
    r, threshold = torch.from_numpy(node.r), torch.from_numpy(node.v_threshold)
    v, spikes = torch.zeros_like(currents[0]), []
    for current in currents:
        v = v + (dt * r * current if leak is None else leak * (r * current - v))
        spikes.append((v >= threshold).float())
        v = v - threshold * spikes[-1]
    return torch.stack(spikes)


def differing(emitted: Sequence[Tensor], layers: Sequence[Layer]) -> float:
    """The fraction of steps, samples and neurons whose spike differs from the recorded one."""
    recorded = [layer.outputs for layer in layers if layer.outputs is not None]
    wrong = sum(int((ours != theirs).sum()) for ours, theirs in zip(emitted, recorded, strict=True))
    total = sum(spikes.numel() for spikes in recorded)
    return wrong / total
