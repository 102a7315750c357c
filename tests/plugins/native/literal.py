"""The native equations written out, one neuron, step and weight at a time, in plain Python."""

import math


def literal_layer(x, weight, p, theta=None, resets=1.0):
    theta = p.theta if theta is None else theta
    spikes = [[0.0] * len(weight) for _ in x]
    membranes = [[0.0] * len(weight) for _ in x]
    for n, row in enumerate(weight):
        current = membrane = spike = 0.0
        for t, inputs in enumerate(x):
            current = p.alpha * current + sum(w * v for w, v in zip(row, inputs))
            membrane = p.beta * (membrane - resets * theta * spike) + current
            spike = 1.0 if membrane >= theta else 0.0
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


def literal_spiking_layers(x, weights, p, kept):
    """What each layer received, its spikes as it sends them, its membranes and its threshold.

    The output is the last one; `kept` is what the spikes of each hidden layer are multiplied with.
    """
    factors = [float(factor) for factor in p.thresholds.split("-")]
    layers = []
    for weight, theta, factor in zip(weights, factors, [*kept, [1.0] * len(weights[-1])]):
        spikes, membranes = literal_layer(x, weight, p, theta * p.theta, p.resets)
        sent = [[f * spike for f, spike in zip(factor, step)] for step in spikes]
        layers.append((x, sent, membranes, theta * p.theta))
        x = sent
    return layers


def literal_rate_error(spikes, window, target, smoothing):
    """Mean spikes of the last `window` steps less the smoothed target, which is 0 or 1."""
    last = spikes[-window:]
    error = [sum(step[c] for step in last) / len(last) for c in range(len(last[0]))]
    error = [rate - smoothing / len(error) for rate in error]
    error[target] -= 1 - smoothing
    return error


def literal_error(outputs, target, smoothing):
    """Softmax less the smoothed target."""
    exps = [math.exp(value) for value in outputs]
    error = [e / sum(exps) - smoothing / len(outputs) for e in exps]
    error[target] -= 1 - smoothing
    return error
