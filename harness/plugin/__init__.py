"""All that a plugin's author imports; `harness.plugin.toolkit` has parts to build networks from.

    from harness.plugin import Evaluation, Layer, Parameter, Presets, hookimpl

The hooks are described in `harness.plugin.hookspecs`. Nothing here imports torch.
"""

from harness.errors import DataMissing
from harness.plugin.contract import (
    CLASSIFICATION,
    SPIKE_TRAIN,
    Evaluation,
    Layer,
    ModelNeuron,
    Neuron,
    Params,
    Scalars,
    Stateful,
    Task,
    Unsupported,
    Value,
)
from harness.plugin.markers import hookimpl
from harness.plugin.metrics import INPUTS, SPIKES, Change, Evidence, MetricSpec
from harness.plugin.parameters import (
    ANY_TASK,
    BATCH_SIZE,
    BEST,
    EPOCHS,
    LAYER_SIZES,
    QUICK,
    SOURCE,
    TRAIN_ON_VALIDATION,
    Parameter,
    Presets,
    layer_sizes,
)
from harness.plugin.sources import Reported, Source
from harness.plugin.tasks import Arrays, Loader, Published, RawData, TaskSpec, split_at_random

__all__ = [
    "ANY_TASK",
    "BATCH_SIZE",
    "BEST",
    "CLASSIFICATION",
    "EPOCHS",
    "INPUTS",
    "LAYER_SIZES",
    "QUICK",
    "SOURCE",
    "SPIKES",
    "SPIKE_TRAIN",
    "TRAIN_ON_VALIDATION",
    "Arrays",
    "Change",
    "DataMissing",
    "Evaluation",
    "Evidence",
    "Layer",
    "Loader",
    "MetricSpec",
    "ModelNeuron",
    "Neuron",
    "Parameter",
    "Params",
    "Presets",
    "Published",
    "RawData",
    "Reported",
    "Scalars",
    "Source",
    "Stateful",
    "Task",
    "TaskSpec",
    "Unsupported",
    "Value",
    "hookimpl",
    "layer_sizes",
    "split_at_random",
]
