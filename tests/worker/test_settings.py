"""Settings of torch that belong to the host."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker import settings


@pytest.fixture(autouse=True)
def pinned():
    threads = torch.get_num_threads()
    settings.pin(1)
    yield
    settings.pin(threads)


CHANGES = [
    (lambda: torch.set_num_threads(2), "the number of threads from 1 to 2"),
    (lambda: torch.set_default_dtype(torch.float64), "default dtype from torch.float32 to torch.f"),
    (
        lambda: torch.use_deterministic_algorithms(True),
        "deterministic algorithms from False to True",
    ),
    (lambda: torch.set_float32_matmul_precision("medium"), "products from highest to medium"),
    (
        lambda: setattr(torch.backends.cudnn, "allow_tf32", True),
        r"reduced precision in cuDNN and oneDNN from none to cudnn.* \(tf32\)",
    ),
    (lambda: setattr(torch.backends.cudnn, "benchmark", True), "benchmark mode from False to True"),
]


if hasattr(torch.backends, "fp32_precision"):  # torch 2.9, and later

    def newer(owner, value):
        return lambda: setattr(owner, "fp32_precision", value)

    backends = torch.backends
    CHANGES += [
        (newer(backends, "tf32"), r"cudnn.conv \(tf32\), cudnn.rnn \(tf32\)"),
        (newer(backends.cudnn, "tf32"), r"cudnn.conv \(tf32\), cudnn.rnn \(tf32\)"),
        (newer(backends.cudnn.rnn, "tf32"), r"from none to cudnn.rnn \(tf32\)"),
        (newer(backends.mkldnn.conv, "bf16"), r"from none to mkldnn.conv \(bf16\)"),
        (newer(backends.mkldnn.matmul, "bf16"), "matrix products from highest to mixed"),
        (newer(backends.cuda.matmul, "tf32"), "matrix products from highest to mixed"),
    ]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_a_hook_changes_is_told_and_set_again(change, told):
    settings.check()
    change()
    with pytest.raises(InvalidOutput, match=told):
        settings.check()
    settings.check()


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_an_import_changes_is_set_again_without_a_word(change, told):
    change()
    settings.pin_again()
    settings.check()
