"""The feed-forward ReLU network: parameters, presets, and its values layer by layer.

Shared by the non-spiking control and by conversions, which train it first; so their rows start from the
same training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Value
from harness.plugin.toolkit.parameters import HIDDEN, REGULARISATION, TRAINING, with_defaults

PARAMETERS = {
    "hidden": HIDDEN,
    **REGULARISATION,
    **with_defaults(TRAINING, lr=3e-3, epochs=2, batch_size=128),
}

QUICK: dict[str, dict[str, Value]] = {"*": {}, "digits": {"epochs": 20, "batch_size": 32}}

BEST: dict[str, dict[str, Value]] = {
    "*": {
        "hidden": "1200-1200",
        "dropout": 0.4,
        "input_dropout": 0.2,
        "lr": 1e-3,
        "label_smoothing": 0.05,
        "epochs": 20,
    },
    "digits": {
        "hidden": "512-512",
        "dropout": 0.5,
        "input_dropout": 0.2,
        "lr": 2e-3,
        "label_smoothing": 0.1,
        "epochs": 100,
        "batch_size": 32,
    },
}


class ReluNetwork(nn.Module):
    """Base of a module with a ReLU network; a subclass says by `connections` what its layers are.

    `dropout` and `input_dropout` are probabilities, used in training only.
    """

    def __init__(self, dropout: float, input_dropout: float) -> None:
        super().__init__()
        self.dropout, self.input_dropout = dropout, input_dropout

    def affine_maps(self) -> Iterable[Callable[[Tensor], Tensor]]:
        """The maps from [B, n_in] to [B, n_out], from the input to the readout."""
        raise NotImplementedError

    def analog(self, inputs: Tensor) -> list[Tensor]:
        """What each layer receives [B, n] for `inputs` [B, ...], and last the logits [B, C]."""
        *hidden, readout = self.affine_maps()
        values = [F.dropout(inputs.flatten(1), self.input_dropout, self.training)]
        for layer in hidden:
            values.append(F.dropout(F.relu(layer(values[-1])), self.dropout, self.training))
        return [*values, readout(values[-1])]
