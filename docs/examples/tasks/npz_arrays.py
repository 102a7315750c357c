"""Arrays in an .npz file with splits of their own: harness run --task npz_arrays.py"""

import numpy as np

from harness.plugin import Arrays, TaskSpec, hookimpl


def read(files):
    file = np.load(files["arrays.npz"])
    splits = ("train", "validation", "test")
    return Arrays({name: (file[f"{name}_x"], file[f"{name}_y"]) for name in splits}, scale=255)


@hookimpl
def harness_tasks():
    return [TaskSpec("arrays", "my arrays", classes=10, files={"arrays.npz": ""}, read=read)]
