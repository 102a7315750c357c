"""The host's seed reaches every source of random numbers that it knows."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

import numpy as np
from torch import nn

from harness.worker.seeds import generator, seed_everything, seed_with_own


def own_sources():
    return {
        "torch": torch.Generator(),
        "numpy": np.random.default_rng(),
        "python": random.Random(),
    }


def drawn(sources):
    return [
        float(torch.rand(1, generator=sources["torch"])),
        sources["numpy"].random(),
        sources["python"].random(),
    ]


def test_the_libraries_own_generators_are_seeded():
    def draw():
        seed_everything(2**40)
        return float(torch.rand(1)), np.random.random(), random.random()

    assert draw() == draw()


def test_the_generators_that_a_model_holds_are_seeded_too():
    model = nn.Sequential(nn.Identity())
    sources = own_sources()
    vars(model[0]).update(sources)
    seed_with_own(3, model)
    first = drawn(sources)
    assert first != drawn(sources)
    seed_with_own(3, model)
    assert first == drawn(sources)


def test_a_generator_is_that_of_its_seed():
    cpu = torch.device("cpu")
    assert generator(4, cpu).initial_seed() == 4
