"""A folder of images, a folder for each class in it: harness run --task image_folder.py"""

import numpy as np
from PIL import Image

from harness.plugin import Loader, TaskSpec, hookimpl, split_at_random

NAMES = ["cats", "dogs", "owls"]  # the folders
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def read(files):
    paths = sorted(p for p in files["images"].glob("*/*") if p.suffix.lower() in SUFFIXES)

    def load(i):
        return np.asarray(Image.open(paths[i]).convert("L").resize((28, 28)))[None]

    images = Loader(len(paths), (1, 28, 28), "uint8", load)  # read one at a time
    return split_at_random(images, [NAMES.index(path.parent.name) for path in paths], scale=255)


@hookimpl
def harness_tasks():
    return [
        TaskSpec(
            "images", "my images", classes=3, files={"images": ""}, read=read, class_names=NAMES
        )
    ]
