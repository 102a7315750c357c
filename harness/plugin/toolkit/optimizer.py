"""Adam for plugins, by torch's own fused kernel, without the start that `torch.optim` needs.

Any `torch.optim` class may be used in a plugin; its first step imports torch's compiler, which takes
longer (4 s on a slow core) than a short training, in every worker anew. This calls the same function
that `torch.optim.Adam(fused=True)` calls, and is tested to give the same weights bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """Adam (Kingma and Ba 2015) with a learning rate that is constant or falls to 0 as a cosine.

    `cosine_over` is the number of updates over which it falls, 0 for a constant rate. Updates every
    parameter that has a gradient.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        cosine_over: int = 0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.peak_lr, self.cosine_over = lr, cosine_over
        self.betas, self.eps = betas, eps
        self.updates = 0
        self._moments: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        if not self.cosine_over:
            return self.peak_lr
        progress = min(self.updates / self.cosine_over, 1.0)
        return self.peak_lr * 0.5 * (1 + math.cos(math.pi * progress))

    def zero_grad(self) -> None:
        """Drops every gradient."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update from the parameters' gradients."""
        active = [p for p in self.parameters if p.grad is not None]
        for p in active:
            if id(p) not in self._moments:
                step = torch.zeros((), device=p.device)
                self._moments[id(p)] = torch.zeros_like(p), torch.zeros_like(p), step
        means, squares, steps = zip(*(self._moments[id(p)] for p in active))
        adam(
            active,
            [p.grad for p in active],  # type: ignore[misc] # chosen for having one
            list(means),
            list(squares),
            [],
            list(steps),
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.lr,
            weight_decay=0.0,
            eps=self.eps,
            maximize=False,
        )
        self.updates += 1
