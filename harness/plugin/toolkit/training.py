"""The update of methods that are trained by backpropagation on the cross-entropy."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)
from torch.optim import Optimizer

from harness.plugin.toolkit.optimizer import SGD, Adam
from harness.plugin.toolkit.readouts import accuracy

Batches = Iterable[tuple[Tensor, Tensor]]
"""What `harness_finish_training` receives: (inputs [B, ...], targets [B]); may be iterated repeatedly."""


def cross_entropy_step(
    optimizer: Adam | SGD | Optimizer, logits: Tensor, targets: Tensor, label_smoothing: float
) -> dict[str, Tensor]:
    """One update on the cross-entropy of `logits` [B, C] with `targets` [B] (int64).

    Returns `loss` and `accuracy` of the batch before the update, as 0-d tensors without a graph.
    """
    loss = F.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
    return {"loss": loss.detach(), "accuracy": accuracy(logits.detach(), targets)}
