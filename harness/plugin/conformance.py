"""The checks of `harness check`, in their order: what each one asks of a plugin. Imports no torch.

`harness.worker.conformance` carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check: the requirement, what to change where it fails, and the check that has to pass before.

    A check that is `fresh` needs a process that has seen nothing of the checks before. Of one whose
    failure shows as an exception (`of_errors`), `mend` is for an exception too.
    """

    name: str
    requirement: str
    mend: str
    needs: str = ""
    fresh: bool = False
    of_errors: bool = False


CHECKS = (
    Check(
        "contract",
        "the module loads, and implements the hooks of this version of the contract",
        "implement harness_presets, harness_build_model, harness_evaluate, and harness_encode with "
        "harness_train_step, or harness_train_sequence, as harness/plugin/hookspecs.py describes them",
    ),
    Check(
        "presets",
        "every preset resolves, and every default lies within its parameter's own bounds",
        "correct the parameter or the preset that is named",
        needs="contract",
    ),
    Check(
        "build",
        "the quick preset builds a model on the device that was asked for",
        "return an nn.Module whose parameters and buffers are all on `device`",
        needs="presets",
    ),
    Check(
        "encoding",
        "spikes are finite floats [T, B, ...] and depend on the inputs and the generator alone",
        "return floats [T, B, ...] on the inputs' device",
        needs="build",
    ),
    Check(
        "training",
        "the quick preset trains and finishes, and its scalars are finite",
        "make harness_train_step and harness_finish_training return finite floats or 0-d tensors",
        needs="encoding",
    ),
    Check(
        "shapes",
        "scores are [B, C] or [T, B, C], recorded layers [T, B, ...]",
        "return Evaluation(scores, layers) with these shapes",
        needs="training",
    ),
    Check(
        "finite",
        "scores and recorded activity hold no NaN and no infinity",
        "look for a division by a number of spikes that may be 0, and for a diverged training",
        needs="shapes",
    ),
    Check(
        "spikes",
        "the outputs of spiking layers are 0 or 1",
        "record spikes before they are scaled, or set spiking=False for real-valued activations",
        needs="shapes",
    ),
    Check(
        "learning",
        "the trained network is much better than chance",
        "look at the sign of the update, the learning rate, and whether every weight is updated",
        needs="finite",
    ),
    Check(
        "operations",
        "the operations of every recorded layer can be counted, and all weights that decide are recorded",
        "with `record`, return a Layer for each connection; pass its weight [n_out, n_in], its Linear or "
        "its convolution as `connection`",
        needs="shapes",
    ),
    Check(
        "record",
        "recording the activity does not change the prediction",
        "compute the scores in the same way whether `record` is set or not",
        needs="finite",
    ),
    Check(
        "steps",
        "the scores depend on the input",
        "read the input of every time step, or set Evaluation.delay where the output comes later",
        needs="finite",
    ),
    Check(
        "batches",
        "a sample's scores do not depend on the batch size, its place or the other samples",
        "keep samples apart: no mean over the batch in evaluation, no state of a fixed batch size",
        needs="finite",
        of_errors=True,
    ),
    Check(
        "remembered",
        "harness_evaluate depends on no earlier call and leaves the model as it was",
        "start every call from rest (reset membrane potentials and traces), and keep no cache of inputs",
        needs="finite",
    ),
    Check(
        "determinism",
        "equal seeds give equal weights",
        "draw from torch's own generator or the one given, and seed nothing yourself",
        needs="training",
    ),
    Check(
        "last-batch",
        "a batch of one sample is trained on and evaluated",
        "keep the batch dimension (no squeeze()), and no statistics that need two samples",
        needs="finite",
        of_errors=True,
    ),
    Check(
        "memory",
        "the memory in use does not grow with the steps of training and evaluation",
        "keep no tensors from call to call: detach() what is kept, and delete what is done with",
        needs="shapes",
    ),
    Check(
        "state",
        "state_dict() holds tensors only and loads into a model that is built again",
        "register what training changes as parameters or buffers, of the same shape from the start",
        needs="finite",
    ),
    Check(
        "reload",
        "a fresh process that loads the state gives the same scores",
        "register_buffer() everything that is drawn at building, and that training or finishing computes "
        "(scales, thresholds, labels)",
        needs="state",
        fresh=True,
    ),
    Check(
        "checkpoint",
        "a training that is killed after an epoch goes on from its checkpoint, bit for bit",
        "return from harness_training_state all that training changes outside of state_dict(): optimizers, "
        "schedules, counters, random generators",
        needs="state",
    ),
    Check(
        "tasks",
        "a task of another kind or shape is solved, or refused by Unsupported with a reason",
        "raise Unsupported(reason) in harness_build_model for a task that the method cannot do",
        needs="spikes",
    ),
    Check(
        "devices",
        "it runs on the CPU and on CUDA, or refuses one by Unsupported",
        "create tensors on `device`, or like an input (torch.zeros_like, x.new_zeros)",
        needs="spikes",
        of_errors=True,
    ),
)
