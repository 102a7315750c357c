"""native-dfa, and the same slowed on purpose: what the timing group is tried with."""

from __future__ import annotations

import dataclasses
from time import perf_counter

from harness_native import dfa

from harness.plugin import Parameter, hookimpl


def _slowed(model, call):
    """The result of `call`, which takes `slow` longer than it would."""
    start = perf_counter()
    result = call()
    end = perf_counter() + model.params.slow * (perf_counter() - start)
    while perf_counter() < end:
        pass
    return result


@hookimpl
def harness_presets():
    shared = dfa.harness_presets()
    more = {
        "slow": Parameter(0.0, "how much longer every hook takes, as a fraction", low=0.0),
        "copy": Parameter(1, "tells apart rows that are the same", low=1),
    }
    return dataclasses.replace(shared, parameters={**shared.parameters, **more})


@hookimpl
def harness_build_model(task, params, device):
    return dfa.harness_build_model(task, params, device)


@hookimpl
def harness_encode(model, inputs, generator):
    return _slowed(model, lambda: dfa.harness_encode(model, inputs, generator))


@hookimpl
def harness_train_step(model, spikes, targets):
    return _slowed(model, lambda: dfa.harness_train_step(model, spikes, targets))


@hookimpl
def harness_evaluate(model, spikes, record):
    return _slowed(model, lambda: dfa.harness_evaluate(model, spikes, record))
