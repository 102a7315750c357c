from __future__ import annotations

import pytest

from harness.results.roofline import Peaks, Work, impossible, layer_work
from harness.subjects import LayerSize

#: The forward passes that Open Neuromorphic published in February 2024 (data.csv of its
#: "Spiking Neural Network (SNN) Library Benchmarks"), for full precision: seconds of one call for
#: 16384 neurons, 500 steps, a batch of 16, on an RTX 4090.
PUBLISHED = {
    "Rockpool": 0.42076969146728516,
    "Rockpool EXODUS": 0.12983094155788422,
    "Sinabs": 0.144811749458313,
    "Sinabs EXODUS": 0.12296246079837575,
    "Norse": 0.02886927809034075,
    "snnTorch": 0.7138158480326334,
    "SpikingJelly PyTorch": 0.146479674748012,
    "Lava DL": 0.0667802095413208,
    "SpikingJelly CuPy": 0.019734772352071907,
    "Spyx full-precision": 0.029881459825179157,
}
#: The card's specified float32 peak, without tensor cores.
RTX_4090 = Peaks(82.6e12)


def size(neurons, steps, batch):
    return LayerSize(neurons=neurons, steps=steps, batch=batch, density=1.0)


def published_reason(framework):
    dense = layer_work(size(16384, steps=500, batch=16), nonzero=16 * 500 * 16384)
    return impossible(dense["forward"], PUBLISHED[framework], RTX_4090, "a forward pass")


def test_published_figures_that_no_such_card_can_reach_are_invalid():
    invalid = {framework for framework in PUBLISHED if published_reason(framework)}
    assert invalid == {"Norse", "SpikingJelly CuPy", "Spyx full-precision"}


@pytest.mark.parametrize(
    ("framework", "implied"),
    [("Norse", "149"), ("SpikingJelly CuPy", "218"), ("Spyx full-precision", "144")],
)
def test_the_reason_names_what_the_figure_implies(framework, implied):
    assert f"implies {implied} TFLOP/s, and the device does 82.6 at most" in published_reason(
        framework
    )


def test_a_dense_forward_pass_is_two_operations_a_connection_step_and_sample():
    work = layer_work(size(3, steps=5, batch=2), nonzero=5 * 2 * 3)["forward"]
    assert work.flops == 2 * 5 * 2 * 3 * 3
    assert work.bytes == 4 * (5 * 2 * 3 + 3 * 3 + 5 * 2 * 3)


def test_zeros_among_the_inputs_need_no_operation():
    assert layer_work(size(3, steps=5, batch=2), nonzero=4)["forward"].flops == 2 * 4 * 3


def test_both_passes_add_up():
    forward, backward, total = layer_work(size(8, 4, 2), 10).values()
    assert forward == backward
    assert (total.flops, total.bytes) == (2 * forward.flops, 2 * forward.bytes)


def test_the_roofline_is_the_slower_of_operations_and_bytes():
    peaks = Peaks(flops=100.0, bandwidth=10.0)
    assert peaks.seconds(Work(flops=1000, bytes=1)) == 10
    assert peaks.seconds(Work(flops=1, bytes=1000)) == 100


def test_a_peak_that_was_measured_a_little_low_condemns_nobody():
    work, peaks = Work(flops=100, bytes=0), Peaks(100)
    assert not impossible(work, 0.92, peaks, "it")
    assert impossible(work, 0.9, peaks, "it")
