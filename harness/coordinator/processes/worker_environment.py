"""The environment variables of workers: what could change a result is the host's, not the shell's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

#: Names the workers of one command, and all that they start: what carries it does not outlive them.
TOKEN = "HARNESS_WORKERS"

_THREADS = [f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR")]

#: How glibc allocates, unless the user has said so. Memory that a worker frees stays with it, as with a
#: server's allocator or torch's own on CUDA: where it goes back to the system after every call, page
#: faults decide which of two equal processes is faster. And it comes in large pages (2 MiB, where the
#: system grants them on request): which small ones a process has decides how its arrays fit a cache. A
#: forked worker starts and ends sooner, too.
ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}

#: What every worker has, whatever the shell says: no window, UTF-8, sets in one order, and cuBLAS with
#: the workspace that its deterministic algorithms need.
FIXED = {
    "MPLBACKEND": "Agg",
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}

#: What a starter has besides: torch.cuda.is_available() asks the driver and not CUDA. A module that asks it
#: while it is imported would leave a process from which no worker that uses a GPU can be forked.
STARTERS = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}

#: Variables that change how fast or how exactly Python and the libraries below torch compute.
_REMOVED = (
    "PYTHON", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMBA_", "NUMEXPR_", "DNNL_",
    "ONEDNN_", "ATEN_", "TORCH_", "TORCHINDUCTOR_", "PYTORCH_", "CUBLAS_", "CUDNN_", "CUDA_LAUNCH_",
    "NVIDIA_TF32_", "MPLBACKEND",
)  # fmt: skip
#: Those of them that say where something lies.
_PLACES = {
    "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "TORCH_HOME",
    "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR",
}  # fmt: skip
#: And those of them by which one interpreter finds the packages of another.
_PATHS = {"PYTHONPATH", "PYTHONHOME"}
#: Kept, because only the user can know why they are set; recorded, because they change the speed.
_TOLD = ("LD_PRELOAD", "GLIBC_TUNABLES", "MALLOC_", "CUDA_VISIBLE_DEVICES")


def worker_environment(threads: int, token: str = "", isolated: bool = False) -> dict[str, str]:
    """The environment variables of a worker that may use `threads`; `token` marks what it starts.

    An `isolated` one finds no packages but those of its own interpreter.
    """
    kept = {name: value for name, value in os.environ.items() if not _is_removed(name)}
    if isolated:
        kept = {name: value for name, value in kept.items() if name not in _PATHS}
    pinned = dict.fromkeys(_THREADS, str(threads))
    return {**ALLOCATOR, **kept, **FIXED, **pinned, TOKEN: token}


def facts(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What run.json says of it: variables fixed, those of the shell that were removed, and kept."""
    pinned = {*FIXED, *_THREADS}
    return {
        "fixed": FIXED | {n: value for n, value in ALLOCATOR.items() if n not in environment},
        "removed": sorted(name for name in environment if _is_removed(name) and name not in pinned),
        "kept": {
            name: value for name, value in sorted(environment.items()) if name.startswith(_TOLD)
        },
    }


def _is_removed(name: str) -> bool:
    return name.startswith(_REMOVED) and name not in _PLACES
