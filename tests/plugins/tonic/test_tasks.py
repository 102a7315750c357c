"""Small recordings in the original formats, loaded by tonic's own code."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

pytestmark = pytest.mark.tonic

pytest.importorskip("tonic", reason="needs tonic")
pytest.importorskip("harness_tonic", reason="needs the tasks with event data")
h5py = pytest.importorskip("h5py")

from harness_tonic.frames import spikes_of
from harness_tonic.tasks import GESTURE, NMNIST, SHD, harness_tasks

from harness.errors import DataMissing
from harness.tasks.prepare import prepare_task
from harness.worker.task_hook import varied

TRAIN, TEST = 20, 4


def task(name, **options):
    spec = next(spec for spec in harness_tasks() if spec.name == name)
    return varied(spec, {key: str(value) for key, value in options.items()})


def arrays(name, root, tmp_path, **options):
    return task(name, **options).locate([root], tmp_path / "cache", print).read().splits


def sample(splits, split, i):
    inputs, targets = splits[split]
    return inputs[i : i + 1][0], targets[i]


def nmnist(root, events):
    """Recordings of 40 bits an event: x, y, polarity and 23 bits of microseconds."""
    for part, count in (("Train", TRAIN), ("Test", TEST)):
        for i in range(count):
            folder = root / "NMNIST" / part / str(i % 4)
            folder.mkdir(parents=True, exist_ok=True)
            content = b"".join(
                bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for x, y, p, t in events(i)
            )
            (folder / f"{i:05}.bin").write_bytes(content)
    return root


def test_nmnist(tmp_path):
    nmnist(
        tmp_path,
        lambda i: [(i, 33, 1, 0), (3, i, 0, 25_000), (3, i, 0, 25_500), (9, 9, 1, 299_999)],
    )
    found = prepare_task(task("nmnist"), [tmp_path], tmp_path / "cache", print)
    assert found.facts["splits"] == {"train": 18, "validation": 2, "test": 4}
    assert found.facts["verified"].startswith("not verified: the archives are not there")
    assert (found.task.input_shape, found.task.steps, found.task.step_ms) == ((2, 34, 34), 30, 10.0)
    splits = arrays("nmnist", tmp_path, tmp_path)
    spikes, label = sample(splits, "test", 1)
    assert label == 1
    assert np.argwhere(spikes).tolist() == [[0, 1, 33, 1], [2, 0, 1, 3], [29, 1, 9, 9]]
    assert sorted(splits["train"][1].tolist() + splits["validation"][1].tolist()) == sorted(
        i % 4 for i in range(TRAIN)
    )


def test_nmnist_with_other_parameters(tmp_path):
    nmnist(tmp_path, lambda i: [(i, 33, 1, 0), (3, i, 0, 25_000), (9, 9, 1, 299_999)])
    merged = arrays("nmnist", tmp_path, tmp_path, steps=3, bin_ms=20, polarity="merged")
    spikes, _ = sample(merged, "test", 0)
    assert spikes.shape == (3, 1, 34, 34)
    assert np.argwhere(spikes).tolist() == [
        [0, 0, 33, 0],
        [1, 0, 0, 3],
    ]  # the last event is cut off
    found = task("nmnist", steps=3, bin_ms=20, polarity="merged")
    assert found.name == "nmnist:bin_ms=20.0,polarity=merged,steps=3"
    cache = tmp_path / "cache"
    paths = {prepare_task(spec, [tmp_path], cache, print).path for spec in (found, task("nmnist"))}
    assert len(paths) == 2


def shd(root):
    """HDF5 files with times in seconds and channels, arrays of their own length for each sample."""
    (root / "SHD").mkdir(parents=True)
    for part, count in (("train", TRAIN), ("test", TEST)):
        with h5py.File(root / "SHD" / f"shd_{part}.h5", "w") as file:
            times, units = (
                file.create_dataset(f"spikes/{name}", (count,), h5py.vlen_dtype(kind))
                for name, kind in (("times", np.float16), ("units", np.uint16))
            )
            for i in range(count):
                times[i] = np.array([0.0, 0.25, 0.5, 1.25][: 2 + i % 3], np.float16)
                units[i] = np.array([i, 699, i + 1, 5][: 2 + i % 3], np.uint16)
            file["labels"] = np.arange(count, dtype=np.uint16) % 20
            file["extra/speaker"] = np.zeros(count, np.uint16)
            file.create_dataset("extra/keys", data=[b"zero", b"one"])
    return root


def test_shd(tmp_path):
    splits = arrays("shd", shd(tmp_path), tmp_path)
    spikes, label = sample(splits, "test", 2)
    assert spikes.shape == (100, 700)
    assert label == 2
    assert np.argwhere(spikes).tolist() == [[0, 2], [25, 699], [50, 3]]  # 1.25 s are beyond the end
    assert sorted(splits["train"][1].tolist() + splits["validation"][1].tolist()) == list(range(20))
    with pytest.raises(Exception, match="unknown parameter 'polarity' of task shd"):
        task("shd", polarity="merged")


def gesture(root):
    """Arrays of x, y, polarity and milliseconds in a folder for each person and light."""
    for part, count in (("Train", TRAIN), ("Test", TEST)):
        for i in range(count):
            folder = root / "DVSGesture" / f"ibmGesture{part}" / f"user{i // 11 + 1:02}_led"
            folder.mkdir(parents=True, exist_ok=True)
            events = np.array([[i, 127, 1, 0], [5, 6, 0, 500], [7, 8, 1, 999]], np.float64)
            np.save(folder / f"{i % 11}.npy", events)
    return root


def test_dvs_gesture_in_equal_parts(tmp_path):
    splits = arrays("dvs-gesture", gesture(tmp_path), tmp_path, steps=4)
    spikes, label = sample(splits, "test", 3)
    assert spikes.shape == (4, 2, 128, 128)
    (step, *first), *_ = np.argwhere(spikes).tolist()
    assert (step, first) == (0, [1, 127, label])
    assert spikes.sum() == 2  # tonic leaves out what follows the last whole part, here 3 ms
    assert [len(splits[name][0]) for name in splits] == [18, 2, 4]


def test_a_recording_without_events_is_silent():
    events = np.zeros(0, [("t", int), ("x", int), ("p", int)])
    assert not spikes_of(events, (700, 1, 1), 5, 10, merged=False).any()
    assert spikes_of(events, (700, 1, 1), 5, 0, merged=True).shape == (5, 1, 1, 700)


def test_the_archives_are_verified_where_they_lie(tmp_path, monkeypatch):
    shd(tmp_path)
    for part in ("train", "test"):
        path = tmp_path / "SHD" / f"shd_{part}.h5.zip"
        path.write_bytes(part.encode())
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        monkeypatch.setattr(SHD.tonic, f"{part}_md5", digest)
    assert SHD.verified(tmp_path).startswith("the archives by digests")
    path.write_bytes(b"other")
    with pytest.raises(DataMissing, match=r"shd_test.h5.zip is damaged \(md5"):
        SHD.verified(tmp_path)
    assert [path.name for path, _ in NMNIST._archives(tmp_path)] == ["train.zip", "test.zip"]
    assert len(list(GESTURE._archives(tmp_path))) == 2


def test_without_a_network_the_line_says_where_to_put_the_files(tmp_path, monkeypatch):
    def fail(*_args, **_options):
        raise OSError("no route to host")

    monkeypatch.setattr("tonic.dataset.download_and_extract_archive", fail)
    with pytest.raises(DataMissing) as error:
        task("shd").locate([tmp_path], tmp_path / "cache", print)
    assert str(error.value).startswith("SHD could not be downloaded (no route to host): put its")
    assert "so that DIR/SHD/shd_train.h5 exists" in str(error.value)
    assert task("shd").look([tmp_path])[0].startswith(f"in none of {tmp_path / 'SHD'} (looked for")
