"""BindsNET's DiehlAndCook2015: excitatory neurons that learn without labels by STDP, and inhibitory ones.

pip install bindsnet
harness run --plugins docs/examples/plugins/bindsnet_stdp.py,native-stdp

The state_dict() of BindsNET's network lacks the weights and holds the potentials of the last batch.
Therefore the network is not a submodule: the model holds weights and thresholds, and copies them into the
network before each batch, which starts at rest. Labels are used once, after learning.
"""

import torch
from bindsnet.models import DiehlAndCook2015
from bindsnet.network.monitors import Monitor
from torch import nn

from harness.plugin import Evaluation, Layer, Parameter, Presets, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.labels import READOUTS, assign_labels
from harness.plugin.toolkit.parameters import BATCHES, ENCODING, with_defaults
from harness.plugin.toolkit.requirements import require_static_classification

__all__ = ["harness_encode"]


@hookimpl
def harness_presets():
    return Presets(
        {
            "neurons": Parameter(100, "excitatory neurons, and as many inhibitory ones", low=1),
            **with_defaults(BATCHES, epochs=3, batch_size=16),
            **with_defaults(ENCODING, steps=50, code="regular", max_rate=0.25),
            "nu": Parameter(0.03, "weight change of a spike pair", low=0.0),
            "theta_plus": Parameter(0.1, "rise of a threshold with each spike, in mV", low=0.0),
            "norm": Parameter(0.2, "mean weight to which each neuron is scaled", low=1e-6),
            "readout": Parameter("likelihood", "class from spike counts", choices=READOUTS),
        }
    )


class Model(nn.Module):
    def __init__(self, task, params, device):
        super().__init__()
        self.params, n = params, params.neurons
        network = DiehlAndCook2015(
            task.inputs,
            device=device,
            n_neurons=n,
            nu=(0.0, params.nu),  # before and after: potentiation alone, the scaling depresses
            norm=params.norm * task.inputs,
            theta_plus=params.theta_plus,
        ).to(device)
        for layer in ("Ae", "Ai"):
            network.add_monitor(Monitor(network.layers[layer], ["s"]), layer)
        self.network = (network,)  # in a tuple, so that torch does not find it
        learned, excite, inhibit = map(self.matrix, ("X Ae", "Ae Ai", "Ai Ae"))
        self.weight = nn.Parameter(learned.T.clone(), requires_grad=False)
        self.register_buffer("threshold", torch.zeros(n, device=device))
        self.register_buffer("readout", torch.zeros(n, task.classes, device=device))
        # The connections that do not learn are recorded, but are no state.
        self.register_buffer("excite", excite.T.clone(), persistent=False)
        self.register_buffer("inhibit", inhibit.T.clone(), persistent=False)

    def matrix(self, ends):
        """BindsNET's weights [n_in, n_out] between two layers."""
        return self.network[0].connections[tuple(ends.split())].feature_index["weight"].value

    def present(self, spikes, learn=False):
        """Excitatory and inhibitory spikes, both [T, B, n], for input `spikes` [T, B, n_in], from rest."""
        (network,) = self.network
        weights, neurons = self.matrix("X Ae"), network.layers["Ae"]
        weights.copy_(self.weight.T)
        neurons.theta.copy_(self.threshold)
        network.train(learn)
        # Of the neurons that reach their thresholds in the same step, BindsNET lets a random one spike. An
        # evaluation must be repeatable, so there all of them spike.
        neurons.one_spike = learn
        network.reset_state_variables()
        # A copy: the next reset sets its last step to 0. one_step: an input spike reaches the neurons in
        # the same step, not in the next one.
        network.run({"X": spikes.clone()}, time=len(spikes), one_step=True)
        if learn:
            self.weight.copy_(weights.T)
            self.threshold.copy_(neurons.theta)
        return [network.monitors[layer].get("s").to(spikes) for layer in ("Ae", "Ai")]

    def spike_counts(self, spikes):
        return self.present(spikes)[0].sum(0)


@hookimpl
def harness_build_model(task, params, device):
    require_static_classification(task)
    return Model(task, params, device)


@hookimpl
def harness_train_step(model, spikes):
    excitatory, _ = model.present(spikes, learn=True)
    return {"spikes": excitatory.sum() / excitatory.shape[1], "threshold": model.threshold.mean()}


@hookimpl
def harness_training_state(model):
    return {}  # all of it is in parameters and buffers


@hookimpl
def harness_finish_training(model, batches, generator):
    return assign_labels(model, batches, generator, at_once=500)


@hookimpl
def harness_evaluate(model, spikes, record):
    excitatory, inhibitory = model.present(spikes)
    scores = excitatory.cumsum(0) @ model.readout
    if not record:
        return Evaluation(scores)
    before = torch.cat([torch.zeros_like(inhibitory[:1]), inhibitory[:-1]])  # it acts a step later
    return Evaluation(
        scores,
        [
            Layer("inhibitory", excitatory, model.excite, inhibitory),
            Layer("inhibition", before, model.inhibit, None),
            Layer("excitatory", spikes, model.weight, excitatory),
        ],
    )
