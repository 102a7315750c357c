"""The citation of the experiment that the STDP plugins are near to; its values are in `toolkit.stdp`."""

from __future__ import annotations

from harness.plugin import Reported, Source

_DEPARTURES = (
    "Synapses inject currents; there they are conductances.",
    "Inhibition is within the step of a spike; there it comes from as many inhibitory neurons.",
    "Only the neuron furthest above its threshold spikes in a step, and there is no refractory period.",
    "A step is 1 ms; there it is 0.5 ms.",
    "The unit of the membrane potential is another, so the threshold is ours, and theta_plus has the same "
    "ratio to it (0.05 to 13 mV).",
    "Potentiation is proportional to the presynaptic trace; there a target is subtracted from the trace.",
    "Neurons are at rest before an image; there 150 ms without input lie between two.",
    "An image with fewer than 5 output spikes is not shown again at a higher rate; there it is.",
    "Weights are normalised after each batch of images; there after each image.",
    "Training makes 1 pass over 55 000 images (3 over digits); there it is over all 60 000, and several "
    "times for larger networks.",
)


def cited(batch: str) -> Source:
    """The paper; `batch` says how many images are presented at once, where the paper presents one."""
    return Source(
        title="Unsupervised learning of digit recognition using spike-timing-dependent plasticity",
        authors="Peter U. Diehl, Matthew Cook",
        year=2015,
        url="https://doi.org/10.3389/fncom.2015.00099",
        departures=(*_DEPARTURES, batch),
        reported={
            "mnist": [
                Reported(accuracy, f"section 3, {neurons} neurons", {"neurons": neurons})
                for neurons, accuracy in ((100, 0.829), (400, 0.870), (1600, 0.919), (6400, 0.950))
            ]
        },
    )
