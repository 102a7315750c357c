"""What `harness layers` is asked to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.plugin import Neuron
from harness.errors import UsageError
from harness.protocol import LayerSize

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class LayersConfig(BaseModel):
    """One command's proofs and measurements. It is kept in run.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugins: tuple[str, ...]
    neurons: Annotated[tuple[Count, ...], Field(min_length=1)] = (512, 2048)
    steps: Count = 500
    batch: Count = 16
    density: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (1.0, 0.1)
    proved: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.5, 0.9, 0.95, 1.0)
    beta: Fraction = 0.9
    device: str = "auto"
    threads: Count = 1
    rounds: Count = 6
    min_time: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    timeout: float = Field(default=120.0, gt=0, le=threading.TIMEOUT_MAX)

    @property
    def timed(self) -> Neuron:
        """The neuron whose speed is measured."""
        return Neuron(beta=self.beta, detach=True)

    def neurons_to_prove(self) -> list[Neuron]:
        """The decays in turn, each with the reset detached and attached; the timed one among them."""
        betas = dict.fromkeys((*self.proved, self.beta))
        return [Neuron(beta=beta, detach=detach) for beta in betas for detach in (True, False)]

    def sizes(self) -> Iterator[LayerSize]:
        """The layers to be measured, the smallest first: its time forecasts the next one's."""
        for neurons in sorted(set(self.neurons)):
            for density in sorted(set(self.density), reverse=True):
                yield LayerSize(
                    neurons=neurons, steps=self.steps, batch=self.batch, density=density
                )


def make_layers_config(**options: object) -> LayersConfig:
    """A LayersConfig; UsageError in one line where an option is wrong."""
    try:
        return LayersConfig.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UsageError(f"{name}: {first['msg']}, not {first['input']!r}") from None
