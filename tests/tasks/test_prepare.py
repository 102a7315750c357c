"""A task's data from its files to the cache: found, verified, checked, kept, and made anew when damaged."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from harness.errors import DataMissing
from harness.plugin import Arrays, Loader, TaskSpec, split_at_random
from harness.tasks import cached
from harness.tasks.describe import facts_of
from harness.tasks.files import digest_of
from harness.tasks.prepare import identity_of, labels_of, prepare_task, prepared_before

DRAWN = np.random.default_rng(0).random((60, 4), np.float32)


def read(files):
    inputs = np.load(files["x.npy"], mmap_mode="r")
    return split_at_random(inputs, np.arange(len(inputs)) % 3)


def spec_of(**changes):
    fields = {"name": "mine", "description": "", "classes": 3, "files": {"x.npy": ""}, "read": read}
    return TaskSpec(**fields | changes)


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    np.save(folder / "x.npy", DRAWN)
    return folder


@pytest.fixture
def prepared(raw, tmp_path):
    said = []

    def make(spec=None, folders=None, **options):
        folders = [raw] if folders is None else folders
        return prepare_task(spec or spec_of(), folders, tmp_path / "cache", said.append, **options)

    make.said = said
    return make


def test_a_memory_map_is_split_checked_and_kept(prepared):
    path, facts, task = prepared()
    assert facts["splits"] == {"train": 42, "validation": 6, "test": 12}
    assert (task.name, task.input_shape, task.classes, task.train_size) == ("mine", (4,), 3, 42)
    assert facts["verified"] == "not verified, no digest is known: x.npy"
    assert facts["digest"] == identity_of(path)
    assert prepared.said == []
    parts = [chunk for name in ("train", "validation", "test") for chunk in [arrays(path, name)]]
    together = np.concatenate(parts)
    assert np.array_equal(np.sort(together, 0), np.sort(DRAWN, 0))


def arrays(path, split):
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return file.get_tensor(f"{split}_inputs")


def test_what_was_prepared_is_known_without_reading(prepared, raw, tmp_path):
    def known(**changes):
        return prepared_before(spec_of(**changes), [raw], tmp_path / "cache", "code")

    assert known() == {}
    prepared(code="code")
    sizes = {"train": 42, "validation": 6, "test": 12}
    assert known() == {"sizes": sizes, "input_shape": (4,)}
    assert known(classes=4) == {}  # another description
    np.save(raw / "x.npy", DRAWN[:30])
    assert known() == {}  # other data


def test_it_is_read_once(prepared, monkeypatch):
    first = prepared()
    again = prepared(spec_of(read=lambda _: pytest.fail("read again")))
    assert again == first


@pytest.mark.parametrize("which", [lambda path: path, labels_of])
@pytest.mark.parametrize("place", [200, -1])
def test_a_damaged_cache_is_made_anew(prepared, which, place):
    path, facts, _ = prepared()
    file = which(path)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert prepared()[:2] == (path, facts)
    assert prepared.said == [f"{path} is damaged or out of date: it is made anew"]
    assert cached.is_whole(file)


def test_a_cache_without_labels_is_made_anew(prepared):
    path = prepared().path
    labels_of(path).unlink()
    prepared()
    assert labels_of(path).exists()


def test_the_code_and_the_data_are_the_identity(prepared, raw):
    first = prepared(code="a")
    assert first.facts["code"] == "a"
    other_code = prepared(code="b")
    assert other_code.path != first.path
    assert other_code.facts["digest"] == first.facts["digest"]  # the same arrays
    np.save(raw / "x.npy", DRAWN[::-1])
    other_data = prepared(code="a")
    assert other_data.facts["sha256"] != first.facts["sha256"]
    assert other_data.facts["digest"] != first.facts["digest"]


def test_another_number_of_classes_is_another_description(prepared):
    prepared()
    prepared(spec_of(classes=4))
    assert [line.partition(" is ")[2] for line in prepared.said] == [
        "damaged or out of date: it is made anew"
    ]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_digest_that_is_given_is_verified(prepared, raw, kind):
    digest = hashlib.new(kind, (raw / "x.npy").read_bytes()).hexdigest()
    assert prepared(spec_of(files={"x.npy": digest.upper()})).facts["verified"] == "by digests"
    wrong = digest[::-1]
    with pytest.raises(DataMissing, match=f"x.npy is damaged or another file: its {kind} is"):
        prepared(spec_of(files={"x.npy": wrong}))
    with pytest.raises(
        DataMissing, match=r"the digest of x\.npy is 'abc', wanted a SHA-256 or an MD5"
    ):
        prepared(spec_of(files={"x.npy": "abc"}))


def test_a_folder_has_a_digest_of_all_that_is_in_it(tmp_path):
    def folder(name, **files):
        for file, content in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return digest_of(tmp_path / name)

    same = folder("a", x="1", y="2")
    assert folder("b", y="2", x="1") == same
    assert folder("c", x="1", z="2") != same
    assert folder("d", x="1", y="3") != same


def test_what_is_missing_is_told_with_where_it_was_looked_for(prepared, tmp_path, raw):
    spec = spec_of(files={"x.npy": "", "y.npy": ""}, source="https://here")
    with pytest.raises(DataMissing) as error:
        prepared(spec, beside=tmp_path / "code")
    assert str(error.value) == (
        f"mine needs y.npy, looked for in {raw}, {tmp_path / 'code'}: put it beside the task's "
        "file, give --data DIR, or set HARNESS_DATA=DIR; it is published at https://here"
    )
    places = facts_of(spec, [raw])["places"]
    assert places == [f"x.npy: in {raw}", f"y.npy: in none of {raw}"]
    assert json.dumps(facts_of(spec, [raw]))


def test_a_file_beside_the_task_is_found_last(prepared, tmp_path):
    beside = tmp_path / "code"
    beside.mkdir()
    np.save(beside / "x.npy", DRAWN * 0.5)
    inputs = arrays(prepared(folders=[], beside=beside).path, "train")
    assert inputs.max() <= 0.5
    assert arrays(prepared(beside=beside).path, "train").max() > 0.5


def test_an_error_of_the_author_is_one_line_with_its_place(prepared, capsys):
    def wrong(files):
        return np.load(files["x.npy"])["x"]

    with pytest.raises(DataMissing) as error:
        prepared(spec_of(read=wrong))
    line = str(error.value)
    assert line.startswith("mine cannot be read: IndexError: ")
    assert f"(test_prepare.py:{wrong.__code__.co_firstlineno + 1})" in line
    assert "\n" not in line
    assert "Traceback" in capsys.readouterr().err


def test_a_damaged_sample_is_not_blamed_on_the_cache(prepared, tmp_path):
    def load(_number):
        raise OSError("cannot identify image file '3.png'")  # as Pillow does: without a number

    images = Loader(20, (1, 2, 2), "uint8", load)
    with pytest.raises(DataMissing) as error:
        prepared(spec_of(read=lambda _: split_at_random(images, np.arange(20) % 3, scale=255)))
    told = "mine cannot be read: OSError: cannot identify image file '3.png'"
    assert str(error.value) == told
    assert list((tmp_path / "cache/arrays").iterdir()) == []


def test_arrays_that_are_refused_leave_nothing_in_the_cache(prepared, tmp_path):
    twice = np.concatenate([DRAWN[:5]] * 4)
    with pytest.raises(DataMissing, match="are in an earlier split too"):
        prepared(spec_of(read=lambda _: split_at_random(twice, np.zeros(20, int))))
    assert list((tmp_path / "cache/arrays").iterdir()) == []


def test_classes_without_samples_are_a_fact(prepared):
    def lacking(train, test):
        classes = {"train": train, "validation": [0], "test": test}
        parts = np.split(DRAWN, [20, 40])
        splits = {
            name: (part, np.resize(its, 20))
            for part, (name, its) in zip(parts, classes.items(), strict=True)
        }
        facts = prepared(spec_of(read=lambda _: Arrays(splits)), code=f"{train}{test}").facts
        return facts.get("classes_without_samples")

    assert lacking([0, 1, 2], [2, 1, 0]) is None
    assert lacking([0, 1, 2], [1]) == {"test": [0, 2]}
    assert lacking([0, 2], [1, 2]) == {"train": [1], "test": [0]}


def test_names_of_classes_are_a_fact_and_change_no_data(prepared):
    plain = prepared()
    named = prepared(spec_of(class_names=("cat", "dog", "owl")))
    assert named.facts == {**plain.facts, "class_names": ["cat", "dog", "owl"]}


def test_what_splits_have_in_common_is_a_fact(prepared):
    def same(_):
        return Arrays(dict.fromkeys(("train", "validation", "test"), (DRAWN, np.zeros(60, int))))

    facts = prepared(spec_of(read=same, shared_samples="for the test")).facts
    assert facts["shared_samples"] == {"validation": 60, "test": 60}
