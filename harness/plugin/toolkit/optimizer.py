"""Adam and SGD for plugins, without the seconds-long import of torch's compiler.

Any `torch.optim` class may be used in a plugin, but a process that makes its first one imports torch's
compiler, which takes longer (4 s on a slow core) than a short training. These call the same fused
kernels as `torch.optim.Adam(fused=True)` and `torch.optim.SGD(fused=True)`; the tests hold their
weights equal bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from harness.plugin import Params, Task


class _Optimizer:
    """Parameters, and the learning rate of each update."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, cosine_over: int) -> None:
        self.parameters = list(parameters)
        self.peak_lr, self.cosine_over = lr, cosine_over
        self.updates = 0

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return cosine(self.peak_lr, self.updates, self.cosine_over)

    def zero_grad(self) -> None:
        """Drops every gradient."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update from the parameters' gradients."""
        active = [(p, p.grad) for p in self.parameters if p.grad is not None]
        self._update([p for p, _ in active], [gradient for _, gradient in active])
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        """The number of updates, and what is kept of each parameter that was updated."""
        return {"updates": self.updates, "kept": self._kept()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.updates = state_dict["updates"]
        self._keep(state_dict["kept"])

    def _update(self, active: list[Tensor], gradients: list[Tensor]) -> None:
        """The update of those parameters that have a gradient."""
        raise NotImplementedError

    def _kept(self) -> Any:
        raise NotImplementedError

    def _keep(self, kept: Any) -> None:
        raise NotImplementedError


class Adam(_Optimizer):
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
        super().__init__(parameters, lr, cosine_over)
        self.betas, self.eps = betas, eps
        self._moments: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def _kept(self) -> dict[int, tuple[Tensor, ...]]:
        places = enumerate(self.parameters)
        return {n: self._moments[id(p)] for n, p in places if id(p) in self._moments}

    def _keep(self, kept: Mapping[int, Sequence[Tensor]]) -> None:
        self._moments = {}
        for place, moments in kept.items():
            p = self.parameters[place]
            mean, square, step = (moment.to(p.device) for moment in moments)
            self._moments[id(p)] = mean, square, step

    def _update(self, active: list[Tensor], gradients: list[Tensor]) -> None:
        for p in active:
            if id(p) not in self._moments:
                step = torch.zeros((), device=p.device)
                self._moments[id(p)] = torch.zeros_like(p), torch.zeros_like(p), step
        means, squares, steps = zip(*(self._moments[id(p)] for p in active))
        adam(
            active,
            gradients,
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


class SGD(_Optimizer):
    """Stochastic gradient descent, v = momentum v + g, w = w - lr v; `cosine_over` as for `Adam`.

    Every parameter that it updates has a gradient in the first update already.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.0,
        cosine_over: int = 0,
    ) -> None:
        super().__init__(parameters, lr, cosine_over)
        self.momentum = momentum
        self._velocities: list[Tensor | None] = []

    def _kept(self) -> list[Tensor | None]:
        return self._velocities

    def _keep(self, kept: Sequence[Tensor | None]) -> None:
        device = self.parameters[0].device
        self._velocities = [
            velocity if velocity is None else velocity.to(device) for velocity in kept
        ]

    def _update(self, active: list[Tensor], gradients: list[Tensor]) -> None:
        if not self._velocities and self.momentum:
            self._velocities = [None] * len(active)  # the kernel fills them in the first update
        sgd(
            active,
            gradients,
            self._velocities,
            fused=True,
            weight_decay=0.0,
            momentum=self.momentum,
            lr=self.lr,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )


def cosine(peak: float, updates: int, cosine_over: int) -> float:
    """The learning rate after `updates`, peak (1 + cos(pi updates / cosine_over)) / 2.

    It stays 0 after `cosine_over` updates, and is always `peak` where that is 0.
    """
    if not cosine_over:
        return peak
    progress = min(updates / cosine_over, 1.0)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def cosine_updates(task: Task, params: Params) -> int:
    """`cosine_over` for one training: all of its updates, or 0 for a constant learning rate.

    Reads `schedule`, `epochs` and `batch_size`. The host runs the epochs, so updates are counted here.
    """
    if params.schedule != "cosine":
        return 0
    return int(params.epochs * math.ceil(task.train_size / params.batch_size))


def scheduled_adam(parameters: Iterable[Tensor], task: Task, params: Params) -> Adam:
    """Adam for one training; reads `lr`, `schedule`, `epochs` and `batch_size`."""
    return Adam(parameters, params.lr, cosine_over=cosine_updates(task, params))


def adam_or_sgd(parameters: Iterable[Tensor], task: Task, params: Params) -> Adam | SGD:
    """The optimizer that `params.optimizer` names; reads `momentum` and what `scheduled_adam` reads.

    The schedule is Adam's alone: SGD has a constant learning rate.
    """
    if params.optimizer == "adam":
        return scheduled_adam(parameters, task, params)
    return SGD(parameters, params.lr, momentum=params.momentum)
