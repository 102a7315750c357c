"""The checks of what outlives a process, and of what else a plugin may be asked for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from safetensors.torch import load_file, save_file

from harness.plugin import Unsupported
from harness.worker import checks
from harness.worker.conformance.material import images, odd_images, spike_trains, spikes
from harness.worker.conformance.outcome import Failing, Skipping, failure_of
from harness.worker.conformance.probe import OTHER_SEED, Material, Probe, differing_samples
from harness.worker.data import TaskData
from harness.worker.state import restore, save

_FEW = 4


def state(probe: Probe) -> str:
    """Saved here, with the scores that a fresh process has to reach."""
    save(probe.trained, str(probe.folder / "state.safetensors"))
    restore(probe.build(seed=OTHER_SEED).eval(), str(probe.folder / "state.safetensors"))
    scores = probe.scores(probe.trained, probe.spikes)
    kept = {"spikes": probe.spikes.contiguous().cpu(), "scores": scores.contiguous()}
    save_file(kept, probe.folder / "scores.safetensors")
    return f"{len(probe.trained.state_dict())} tensors"


def reload(probe: Probe) -> str:
    """Built and loaded in this process, which has trained nothing."""
    model = probe.build(seed=OTHER_SEED).eval()
    restore(model, str(probe.folder / "state.safetensors"))
    kept = load_file(probe.folder / "scores.safetensors")
    inputs = probe.material.data.validation.take_inputs(slice(0, kept["spikes"].shape[1]))
    encoded = probe.spikes_of(model, inputs)
    if not torch.equal(encoded.cpu(), kept["spikes"]):
        raise Failing(
            "harness_encode gives other spikes in a fresh process",
            "draw from `generator` alone, and register what the encoding needs as buffers",
        )
    changed = differing_samples(probe.scores(model, encoded), kept["scores"])
    if bool(changed.any()):
        raise Failing(f"{int(changed.sum())} of {len(changed)} samples get other scores")
    return ""


def tasks(probe: Probe) -> str:
    """Whatever task comes is solved or refused."""
    done, refused = [], []
    others: tuple[tuple[str, Callable[[torch.device, bool], TaskData]], ...] = (
        ("images", images),
        ("colour images", odd_images),
        ("spike trains as inputs", spikes),
        ("spike trains as targets", spike_trains),
    )
    for kind, make in others:
        data = make(probe.device, True)
        probe.hooks.current = ""  # whatever ran for the last kind has returned
        try:
            _small_trial(probe, probe.other(data))
        except Unsupported as reason:
            if not str(reason).strip():
                raise Failing(f"refuses {kind} without a reason") from reason
            if not probe.hooks.current or probe.hooks.current == "harness_build_model":
                refused.append(kind)
                continue
            raise Failing(f"{kind}: {failure_of(reason, probe.hooks.current).detail}") from reason
        except Exception as error:
            raise Failing(f"{kind}: {failure_of(error, probe.hooks.current).detail}") from error
        done.append(kind)
    return "; ".join(
        f"{word} {', '.join(kinds)}"
        for word, kinds in (("does", done), ("refuses", refused))
        if kinds
    )


def devices(probe: Probe) -> str:
    """The other device, where there is one."""
    if not torch.cuda.is_available():
        raise Skipping("torch finds no CUDA device here")
    other = "cpu" if probe.device.type == "cuda" else "cuda"
    with probe.on(other):
        try:
            _small_trial(probe, probe.other(images(probe.device, True)))
        except Unsupported as reason:
            return f"refuses {other}: {reason}"
    return f"also on {other}"


def _small_trial(probe: Probe, material: Material) -> None:
    """Every hook once, on a few samples."""
    model = probe.build(material)
    probe.update(model, material, _FEW)
    task, split = material.data.task, material.data.train.first(2 * _FEW)
    data = TaskData(task, split, split, split)
    probe.finish(model, Material(data, material.params))
    inputs = split.take_inputs(slice(0, _FEW))
    encoded = probe.spikes_of(model, inputs)
    evaluation = probe.evaluate(model, encoded, record=True)
    probe.check_scores(evaluation, encoded, task)
    checks.layers(evaluation.layers, len(inputs))
