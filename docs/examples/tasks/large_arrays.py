"""Spike trains that do not fit into memory: .npy files, which are mapped into memory, not read.

harness run --task large_arrays.py
"""

import numpy as np

from harness.plugin import Arrays, TaskSpec, hookimpl

SPLITS = ("train", "validation", "test")


def read(files):
    return Arrays(
        {
            name: (np.load(files[f"{name}_x.npy"], mmap_mode="r"), np.load(files[f"{name}_y.npy"]))
            for name in SPLITS
        }
    )


@hookimpl
def harness_tasks():
    return [
        TaskSpec(
            name="recordings",
            description="my recordings, 50 steps of 2 ms",
            classes=2,
            input_shape=(16,),
            steps=50,
            step_ms=2.0,
            files={f"{name}_{part}.npy": "" for name in SPLITS for part in "xy"},
            read=read,
            source="https://example.org/recordings",
            licence="CC BY 4.0",
            citation="Nobody 2026",
        )
    ]
