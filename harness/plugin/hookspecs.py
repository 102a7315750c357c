"""The plugin contract, all of it.

A worker registers one plugin and calls its hooks in this order: `harness_presets`,
`harness_build_model`, then `harness_encode` and `harness_train_step` for every batch of every epoch,
`harness_finish_training`, and last `harness_encode` and `harness_evaluate` for every batch of the
test set. Measurements happen in a fresh worker that builds the model again and loads its trained
state. Tensors are time-major, float32 unless said otherwise, and live on `device`.

The host owns the seeds (it seeds torch before the model is built), the data order, the split, the
clock, and the counting. It puts the model into training or evaluation mode before the first
`harness_encode` of either (a conversion encodes differently in each), and enables gradients in
training only. A hook may name only those arguments that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.plugin.contract import Evaluation, ModelNeuron, Neuron, Params, Scalars, Stateful, Task
from harness.plugin.markers import hookspec
from harness.plugin.metrics import MetricSpec
from harness.plugin.parameters import Presets
from harness.plugin.tasks import TaskSpec

if TYPE_CHECKING:
    from torch import Generator, Tensor, device, nn

#: The version of this contract. A plugin module may name the version that it was written for, as
#: `HARNESS_CONTRACT = "1.2"`: the host refuses another major version, and a newer minor one. The minor
#: version rises when a hook or an argument is added, the major one when something changes or goes.
CONTRACT = "1.2"


@hookspec(firstresult=True)
def harness_presets() -> Presets:
    """The plugin's parameters with defaults and bounds, and its presets.

    The host reads two parameters itself: `epochs` and `batch_size`. Called before anything else, on
    a machine that may have no accelerator; must not touch the data.
    """


@hookspec(firstresult=True)
def harness_build_model(task: Task, params: Params, device: device) -> nn.Module:
    """A model on `device`, ready to train.

    Its trained state must round-trip through `state_dict()`: built again with the same arguments, by
    another seed, and loaded, its output is the same bit for bit. What is drawn here, and changes the
    output, is a parameter or a buffer. The host tries that before the first epoch of a training of 500
    updates or more, with a model that it trains for one step and throws away, and again with the trained
    state in a fresh process, so the hook is called several times. Raise
    `harness.plugin.Unsupported` for a task that the method cannot do: the trial is then skipped, with
    the reason.
    """


@hookspec(firstresult=True)
def harness_encode(model: nn.Module, inputs: Tensor, generator: Generator) -> Tensor:
    """`inputs` [B, *input_shape] in [0, 1] as spikes or currents over time, [T, B, ...].

    `harness.plugin.toolkit.codes` has the usual encodings. Not called for a task whose
    samples are spike trains (`task.steps`): the host then passes those on, time-major, as
    [T, B, *input_shape].

    Every random draw comes from `generator`. A constant current returns an expanded view, no copy; a
    network without time returns T = 1. Values must be finite.
    """


@hookspec(firstresult=True)
def harness_train_step(model: nn.Module, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update from `spikes` [T, B, ...] and `targets` [B] (int64; an unsupervised rule ignores them).

    Returns the numbers worth plotting as 0-d tensors or floats: `loss` where the method has one,
    `accuracy` as a fraction where it costs nothing to compute, and any others. A NaN or infinite one ends
    the trial as invalid.
    """


@hookspec(firstresult=True)
def harness_train_sequence(model: nn.Module, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update from `spikes` [T, B, ...] towards the output spikes `targets` [T, B, n_out] (0 or 1).

    In place of `harness_train_step` for tasks of kind `spike-train`; one call an epoch where the
    task has one sample. A plugin that lacks the hook that a task's kind needs is skipped.
    """


@hookspec(firstresult=True)
def harness_training_state(model: nn.Module) -> Mapping[str, Stateful | Generator]:
    """Optional: all that training keeps outside of `model.state_dict()`, by name; {} where that is nothing.

    Optimizers, schedules and counters, as objects with `state_dict()` and `load_state_dict()`, and random
    generators of the plugin's own. With it the host writes checkpoints of a long training, at the end of
    an epoch: the model, these, and its own generators. A trial that was killed goes on from there, in a
    model that is built again, and has to end as if nobody had disturbed it, bit for bit. Without the
    hook it begins anew. Called at the end of an epoch, and before the first epoch of a trial that goes
    on. Added in 1.2.
    """


@hookspec(firstresult=True)
def harness_finish_training(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], generator: Generator
) -> Scalars | None:
    """Optional: calibration, conversion, label assignment, after the last training step.

    `batches` yields (inputs [B, *input_shape], targets [B]) of the training set, in a fixed order,
    and can be iterated repeatedly. Called once, with gradients disabled. The returned numbers are
    kept in the record.
    """


@hookspec(firstresult=True)
def harness_evaluate(model: nn.Module, spikes: Tensor, record: bool) -> Evaluation:
    """The output for `spikes` [T, B, ...]: class scores [B, C], or over time [T, B, C].

    For a task of kind `spike-train` the scores are the output neurons' spikes [T, B, n_out].
    With `record`, also the activity of each layer and any reference scores; without, nothing but the
    scores, as fast as the method can. Called with gradients disabled; must leave the model as it was,
    and must not depend on earlier calls.
    """


@hookspec(firstresult=True)
def harness_neuron(model: nn.Module) -> ModelNeuron | None:
    """Optional: the neuron that `model` claims to use, and the function by which it runs it.

    The host compares its spikes and gradients with the neuron's equations, once for each trial; the row
    says whether they are equal or what differs. Called after training, in evaluation mode. None where
    the model does not claim to use such a neuron. A plugin with a `Presets.family` claims one: without
    this hook its row says that the neuron was not proved. Added in contract 1.1.
    """


@hookspec(firstresult=True)
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: device) -> nn.Module:
    """A linear map into `neuron`, on `device`: inputs [T, B, n_in] to spikes [T, B, n_out].

    For `harness layers`, which looks for the hook in the modules of the entry points `harness.layer`
    and calls no other. The module has a parameter `weight` [n_out, n_in], which the host fills, and no
    bias; it starts from rest at every call and is differentiable in its inputs and the weight. An
    attribute `implementation`, if there is one, says which kernel runs. Raise `Unsupported` for
    a neuron that the framework cannot do exactly: the reason is shown in place of a figure.
    """


@hookspec(firstresult=True)
def harness_tasks() -> Iterable[TaskSpec]:
    """Tasks: what they are called, where their data come from, and how these become arrays.

    Looked for in the modules of the entry points `harness.task`, of which each is named as its task, and
    in the file of `--task FILE.py`. Called in a worker before anything else; must not read the data,
    which `TaskSpec.read` does when a run needs them. Added in 1.1.
    """


@hookspec(firstresult=True)
def harness_metrics() -> Iterable[MetricSpec]:
    """Metrics of a trained network: how they are shown, and the function that computes each.

    Looked for in the modules of the entry points `harness.metric`, and in the file of
    `--metrics FILE.py`. The functions are called by the host, with predictions and labels that no plugin
    holds; see `harness.plugin.metrics`. Added in 1.1.
    """
