"""What a run is asked to do, as the command line and the Python API give it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.plugin import QUICK


class RunConfig(BaseModel):
    """One command's run. It is kept in run.json, from which a run is resumed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugins: tuple[str, ...]
    task: str = "digits"
    preset: str = QUICK
    sets: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    device: str = "auto"
    threads: int = Field(default=1, ge=1)
    jobs: int | None = Field(default=None, ge=1)
    timeout: float | None = Field(default=None, gt=0, le=threading.TIMEOUT_MAX)
    rounds: int = Field(default=12, ge=1)
    min_time: float = Field(default=0.02, gt=0, allow_inf_nan=False)
    baseline: str = ""
    data: tuple[str, ...] = ()

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds:
            raise ValueError("at least one seed is needed")
        if any(seed < 0 or seed >= 2**63 for seed in seeds):
            raise ValueError("seeds are integers from 0 to 2**63 - 1")
        return tuple(dict.fromkeys(seeds))

    def parallel(self, device: str) -> int:
        """How many trials train at once: one a core's worth of threads, and one alone on a GPU."""
        if self.jobs is not None:
            return self.jobs
        return 1 if device.startswith("cuda") else max(1, cores() // self.threads)

    def data_folders(self) -> list[str]:
        """Where data are looked for before the cache: --data, then HARNESS_DATA."""
        variable = os.environ.get("HARNESS_DATA", "")
        folders = [*self.data, *(part for part in variable.split(os.pathsep) if part)]
        return [str(Path(folder).expanduser().resolve()) for folder in folders]


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path:
    """Where data and prepared arrays are kept between runs: HARNESS_CACHE, or the user's cache."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("HARNESS_CACHE")
    return Path(chosen).expanduser().resolve() if chosen else user_cache_path("snn-harness")
