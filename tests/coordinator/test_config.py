from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.coordinator.api import make_config
from harness.coordinator.config import RunConfig, cache_folder, cores


def test_a_config_comes_back_from_run_json():
    config = make_config(
        plugins=("a", "b"), seeds=(2, 1), sets=("a.x=1,2",), timeout=3, data=("d",)
    )
    assert RunConfig(**config.model_dump(mode="json")) == config


def test_seeds_keep_their_order_and_count_once():
    assert make_config(plugins=("a",), seeds=(3, 1, 3, 0)).seeds == (3, 1, 0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"seeds": ()}, "at least one seed is needed"),
        ({"seeds": (-1,)}, "seeds are integers from 0 to 2**63 - 1"),
        ({"seeds": (2**63,)}, "seeds are integers"),
        ({"seeds": ("a",)}, "seeds.0: "),
        ({"threads": 0}, "threads: "),
        ({"jobs": 0}, "jobs: "),
        ({"timeout": 0}, "timeout: "),
        ({"timeout": float("inf")}, "timeout: "),
        ({"timeout": float("nan")}, "timeout: "),
        ({"rounds": 0}, "rounds: "),
        ({"min_time": 0}, "min_time: "),
        ({"min_time": float("inf")}, "min_time: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(options, reason):
    with pytest.raises(UsageError) as error:
        make_config(plugins=("a",), **options)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_trials_share_the_cores_and_have_a_gpu_alone():
    config = make_config(plugins=("a",))
    assert config.parallel("cpu") == cores()
    assert config.parallel("cuda") == config.parallel("cuda:1") == 1
    assert make_config(plugins=("a",), threads=10_000).parallel("cpu") == 1
    assert make_config(plugins=("a",), jobs=7).parallel("cuda") == 7


def test_data_are_looked_for_in_data_then_in_the_variable(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", os.pathsep.join(["/three", "", "~/four"]))
    found = make_config(plugins=("a",), data=("one", "/two")).data_folders()
    assert found == [str(tmp_path / "one"), "/two", "/three", str(Path.home() / "four")]


def test_the_cache_is_the_users_unless_the_variable_names_another(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HARNESS_CACHE")
    assert cache_folder().name == "snn-harness"
