"""The checks of training: does it run, learn, repeat itself, take one sample, and keep its memory?"""

from __future__ import annotations

import gc
import math
import tracemalloc
from itertools import pairwise

import psutil
import torch
from torch import Tensor

from harness.measure.clock import synchronise
from harness.measure.heap import return_free_memory, small_pages
from harness.plugin import SPIKE_TRAIN
from harness.worker.conformance.outcome import Failing
from harness.worker.conformance.probe import Probe, compare_states
from harness.worker.evaluate import answer
from harness.worker.sequences import evaluate_fit

#: Standard errors above chance that count as having learned.
_ERRORS = 5
#: By how much the van Rossum loss must fall, where spike trains are fitted.
_BETTER = 0.9
_MEMORY_STEPS, _QUICK_MEMORY_STEPS, _BATCH = 200, 80, 8
#: Stretches of steps, and the growth in a stretch that counts as one: objects a step, bytes.
_STRETCHES, _TENSORS_A_STEP, _BYTES = 8, 0.5, 2**17


def training(probe: Probe) -> str:
    """The training itself."""
    probe.trained  # noqa: B018 (trains it)
    params = probe.material.params
    return f"{params.epochs} epochs of {len(probe.material.data.train)} samples"


def learning(probe: Probe) -> str:
    """Better than chance on samples that were not trained on, or a better fit than before."""
    data = probe.material.data
    if data.task.kind == SPIKE_TRAIN:
        before = evaluate_fit(probe.hooks, probe.build(), data).metrics["van_rossum_loss"]
        after = evaluate_fit(probe.hooks, probe.trained, data).metrics["van_rossum_loss"]
        if after > _BETTER * before:
            raise Failing(f"the van Rossum loss is {after:.3g} after training, {before:.3g} before")
        return f"van Rossum loss {before:.3g} before, {after:.3g} after"
    answers = answer(probe.hooks, probe.trained, data.validation, data.task.classes)
    accuracy, chance = answers.accuracy(data.validation), 1 / data.task.classes
    wanted = chance + _ERRORS * math.sqrt(chance * (1 - chance) / len(data.validation))
    if accuracy < wanted:
        raise Failing(
            f"accuracy {accuracy:.0%} after training on ten easy patterns, where chance is "
            f"{chance:.0%}: wanted {wanted:.0%}"
        )
    return f"accuracy {accuracy:.0%}, chance {chance:.0%}"


def determinism(probe: Probe) -> str:
    """Two trainings of a few steps with one seed end in equal weights."""
    # An epoch of the samples of one batch is one step.
    epochs = 1 if len(probe.material.data.train) > probe.material.batch_size else 3
    first, second = (probe.train_few(probe.build(), 3, epochs) for _ in range(2))
    return compare_states(first, second, probe.device, "differs after 3 steps with equal seeds")


def last_batch(probe: Probe) -> str:
    """One sample alone, as the last batch of an epoch may be."""
    model = probe.build()
    probe.update(model, probe.material, min(2, len(probe.material.data.train)))
    probe.update(model, probe.material, 1)
    inputs = probe.material.data.validation.take_inputs(slice(0, 1))
    probe.scores(probe.trained, probe.spikes_of(probe.trained, inputs))
    return ""


def memory(probe: Probe) -> str:
    """Neither tensors nor bytes become more with every step."""
    model, material = probe.build(), probe.material
    steps = _QUICK_MEMORY_STEPS if probe.quick else _MEMORY_STEPS
    samples, stretch = min(_BATCH, len(material.data.train)), steps // _STRETCHES
    inputs = material.data.train.take_inputs(slice(0, samples))
    levels = []
    tracemalloc.start()
    try:
        with small_pages():
            for _ in range(_STRETCHES):
                for _ in range(stretch):
                    probe.update(model, material, samples)
                    probe.evaluate(model.eval(), probe.spikes_of(model, inputs))
                levels.append(_in_use(probe.device))
    finally:
        tracemalloc.stop()
    tensors, *bytes_used = (_growth(level) for level in zip(*levels))
    used = max(bytes_used)
    if tensors >= _TENSORS_A_STEP * stretch:
        raise Failing(f"every step leaves {tensors / stretch:.1f} tensors more")
    if used > _BYTES:
        raise Failing(f"every step leaves {used / stretch / 1024:.0f} KiB more in use")
    return f"over {steps} steps"


def _growth(levels: tuple[int, ...]) -> int:
    """By how much every stretch grew at least, but for one: what ran before may free its own in it."""
    return sorted(after - before for before, after in pairwise(levels))[1]


def _in_use(device: torch.device) -> tuple[int, int, int]:
    """The tensors that Python knows; the bytes of Python's objects; and those of the device or process.

    What Python's objects take may lie in memory that the process has kept since it was freed, and show in
    its own bytes no more; libraries' own memory is no object. So both are told. The process's are without
    pages of files, which the kernel drops when it likes.
    """
    gc.collect()
    return_free_memory()  # what is free could hold what is kept from now on, and nothing would show
    synchronise(device)
    # By the type: isinstance asks the object itself, and lazy modules then import or warn.
    tensors = sum(issubclass(type(item), Tensor) for item in gc.get_objects())
    objects, _ = tracemalloc.get_traced_memory()
    if device.type == "cuda":
        return tensors, objects, torch.cuda.memory_allocated(device)
    memory = psutil.Process().memory_info()
    return tensors, objects, memory.rss - getattr(memory, "shared", 0)
