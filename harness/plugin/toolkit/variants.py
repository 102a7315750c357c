"""What published experiments do otherwise than the defaults here: parameters, and the parts for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import TRAIN_ON_VALIDATION, Parameter

#: The host reads it.
ALL_SAMPLES = {TRAIN_ON_VALIDATION: Parameter(False, "train on the validation samples as well")}

#: For networks that receive the values of a sample themselves.
INPUT_SHIFT = {
    "input_shift": Parameter(0.0, "subtracted from every input value, which is in [0, 1]", 0.0, 1.0)
}

#: For ReLU networks.
RELU_VARIANTS = {
    "output_relu": Parameter(False, "ReLU on the output as well: no score is below 0"),
    "init_bound": Parameter(
        0.0, "initial weights are uniform from minus this to this; 0 is PyTorch's default", low=0.0
    ),
}


def rectified(layer: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """`layer` with a ReLU after it."""
    return lambda inputs: F.relu(layer(inputs))


def draw_uniform(weights: Iterable[Tensor], bound: float) -> None:
    """Draws `weights` from U(-bound, bound), in place; leaves them as they are where `bound` is 0."""
    if bound:
        for weight in weights:
            nn.init.uniform_(weight, -bound, bound)
