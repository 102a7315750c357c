"""A trained network, loaded in this process, and a second copy of it that training steps may change."""

from __future__ import annotations

from time import perf_counter

import torch
from torch import Tensor, nn

from harness.plugin import Params
from harness.protocol.requests import OpenNetwork
from harness.worker import state
from harness.worker.data import TaskData, load
from harness.worker.evaluate import ENCODE_SEED, answer
from harness.worker.hooks import Hooks
from harness.worker.seeds import generator, seed_everything
from harness.worker.sessions.variants import Compiled, reallocate


class TrainedNetwork:
    """What a session times: inputs to predictions, and one training step, encoding included.

    `build_seconds` is what building and loading it took, without the data.
    """

    def __init__(self, request: OpenNetwork, hooks: Hooks, device: torch.device) -> None:
        self._trial, self._state = request.trial, request.state
        self.hooks, self.device, row = hooks, device, request.trial.row
        self.data: TaskData = load(
            row.task, request.data, device, request.trial.seed, limit=row.limit
        )
        self._params = Params(**row.params)
        self.draws = generator(ENCODE_SEED, device)
        self._trainee: nn.Module | None = None
        start = perf_counter()
        self.model = self._built().eval()
        self.compiled: Compiled | None = None
        if request.variant != "eager":
            self.compiled = Compiled(self._eager_scores, request.variant, device)
        self.build_seconds = perf_counter() - start

    def add_trainee(self) -> None:
        """Builds and loads the copy that is trained on."""
        self._trainee = self._built().train()

    def renew(self) -> None:
        """Builds and loads the network and its trainable copy once more."""
        if self.compiled:  # another module would be compiled once more
            reallocate(self.model)
        else:
            self.model = self._built().eval()
            self.add_trainee()

    def train(self, inputs: Tensor, targets: Tensor) -> None:
        """One training step of the copy."""
        assert self._trainee is not None
        spikes = self.hooks.encode(self._trainee, inputs, self.draws)
        self.hooks.train_step(self._trainee, spikes, targets)

    def trainee_has_changed(self) -> bool:
        """Whether the copy that is trained has another state than the network that is not."""
        assert self._trainee is not None
        ours, theirs = self.model.state_dict(), self._trainee.state_dict()
        return any(not torch.equal(value, theirs[name]) for name, value in ours.items())

    def predict(self, inputs: Tensor) -> Tensor:
        """The classes [B] of `inputs` [B, ...]."""
        scores = self.scores(self.encode(inputs))
        return scores[-1].argmax(-1) if scores.ndim == 3 else scores.argmax(-1)

    def encode(self, inputs: Tensor) -> Tensor:
        """The spikes of `inputs`."""
        return self.hooks.encode(self.model, inputs, self.draws)

    def scores(self, spikes: Tensor) -> Tensor:
        """The scores of `spikes` [T, B, ...], by the variant that is measured."""
        return self.compiled(spikes) if self.compiled else self._eager_scores(spikes)

    def answers(self, draws: torch.Generator | None = None, limit: int | None = None) -> Tensor:
        """The classes [N] of the test samples, the first `limit` of them, untimed."""
        classes = self.data.task.classes
        answers = answer(self.hooks, self.model, self.data.test, classes, limit=limit, draws=draws)
        return answers.last

    def _eager_scores(self, spikes: Tensor) -> Tensor:
        return self.hooks.evaluate(self.model, spikes, False).scores

    def _built(self) -> nn.Module:
        seed_everything(self._trial.seed)
        model = self.hooks.build_model(self.data.task, self._params, self.device)
        state.restore(model, self._state)
        return model
