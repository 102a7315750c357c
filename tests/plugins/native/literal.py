"""The native equations written out, one neuron, step and weight at a time, in plain Python."""

import math


def literal_layer(x, weight, p):
    spikes = [[0.0] * len(weight) for _ in x]
    membranes = [[0.0] * len(weight) for _ in x]
    for n, row in enumerate(weight):
        current = membrane = spike = 0.0
        for t, inputs in enumerate(x):
            current = p.alpha * current + sum(w * v for w, v in zip(row, inputs))
            membrane = p.beta * (membrane - p.theta * spike) + current
            spike = 1.0 if membrane >= p.theta else 0.0
            spikes[t][n], membranes[t][n] = spike, membrane
    return spikes, membranes


def literal_traces(x, p):
    found = [[0.0] * len(x[0]) for _ in x]
    for n in range(len(x[0])):
        fast = slow = 0.0
        for t, inputs in enumerate(x):
            fast = p.alpha * fast + inputs[n]
            slow = p.beta * slow + fast
            found[t][n] = slow
    return found


def literal_network(x, weights, p, kept):
    """What each hidden layer received and its membranes; and the last one's spikes.

    `kept` is what the spikes of each layer's neurons are multiplied with.
    """
    layers = []
    for weight, factors in zip(weights, kept):
        spikes, membranes = literal_layer(x, weight, p)
        layers.append((x, membranes))
        x = [[factor * spike for factor, spike in zip(factors, step)] for step in spikes]
    return layers, x


def literal_error(outputs, target, smoothing):
    """Softmax less the smoothed target."""
    exps = [math.exp(value) for value in outputs]
    error = [e / sum(exps) - smoothing / len(outputs) for e in exps]
    error[target] -= 1 - smoothing
    return error
