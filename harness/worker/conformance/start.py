"""The checks before any network is trained: contract, presets, build, encoding."""

from __future__ import annotations

import torch

from harness.author_errors import described, raised_at
from harness.errors import UsageError
from harness.plugin import QUICK, hookspecs
from harness.worker import checks
from harness.worker.conformance.outcome import Failing
from harness.worker.conformance.probe import SAMPLES, Probe


def contract(probe: Probe) -> str:
    """The module loads; its hooks and its contract are known."""
    try:
        probe.hooks  # noqa: B018 (loads it)
    except ImportError as error:
        place = f" ({at})" if (at := raised_at(error)) else ""
        mend = "install what it imports, or correct the import"
        raise Failing(f"{described(error)}{place}", mend) from error
    return f"contract {hookspecs.CONTRACT}"


def presets(probe: Probe) -> str:
    """Parameters accept their own defaults, and presets resolve."""
    plugin_presets = probe.presets
    for name, parameter in plugin_presets.parameters.items():
        parameter.check(name, parameter.default)
        if not parameter.help.strip():
            raise Failing(f"parameter {name} has no help", "say in one line what it is")
    if not plugin_presets.values.get(QUICK):
        raise Failing(f"there is no preset {QUICK!r}", "offer it: the default, of a few seconds")
    resolved = 0
    for preset, by_task in plugin_presets.values.items():
        for task in by_task:
            try:
                plugin_presets.resolve(preset, task, {})
            except UsageError as error:
                raise Failing(f"preset {preset!r} for {task!r}: {error}") from error
            resolved += 1
    counts = {"parameter": len(plugin_presets.parameters), "setting": resolved}
    return ", ".join(f"{count} {noun}{'s' * (count != 1)}" for noun, count in counts.items())


def build(probe: Probe) -> str:
    """The model and everything in it is on the device."""
    model = probe.build()
    tensors = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in tensors:
        if tensor.device.type != probe.device.type:
            raise Failing(f"{name} is on {tensor.device}, wanted {probe.device}")
    return f"on {probe.device}, for {probe.material.data.task.name}-like data"


def encoding(probe: Probe) -> str:
    """Shapes, finite values, and no draw but from the generator."""
    model, data = probe.build(), probe.material.data
    inputs = data.train.take_inputs(slice(0, SAMPLES))
    before = inputs.clone()
    for mode in (True, False):
        model.train(mode)
        encodings = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            spikes = probe.spikes_of(model, inputs)
            encodings.append(checks.encoded(spikes, inputs).clone())
        if not torch.equal(inputs, before):
            raise Failing(
                "harness_encode changes its inputs", "work on a copy: no in-place operation"
            )
        if not torch.equal(*encodings):
            raise Failing(
                "equal generators give different spikes",
                "pass `generator` to every draw: torch.rand(..., generator=generator)",
            )
    return f"{list(encodings[0].shape)}"
