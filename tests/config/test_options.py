from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.options import LayersConfig, RunConfig, make_config, parse_params
from harness.cores import cores
from harness.errors import UsageError
from harness.plugin.contract import Neuron


def run_config(**options):
    return make_config(RunConfig, {"plugins": ("a",), **options})


def layers_config(**options):
    return make_config(LayersConfig, {"plugins": ("a",), **options})


def test_a_config_comes_back_from_run_json():
    config = run_config(
        seeds=(2, 1), params={"a": {"x": [1, 2], "y": "z", "on": True}}, timeout=3, data=("d",)
    )
    assert RunConfig(**config.model_dump(mode="json")) == config
    layers = layers_config(neurons=[8, 4], proved=[0.5], density=[1], timeout=9)
    assert LayersConfig(**layers.model_dump(mode="json")) == layers


def test_seeds_keep_their_order_and_count_once():
    assert run_config(seeds=(3, 1, 3, 0)).seeds == (3, 1, 0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"seeds": ()}, "at least one seed is needed"),
        ({"seeds": (-1,)}, "seeds are integers from 0 to 2**63 - 1"),
        ({"seeds": (2**63,)}, "seeds are integers"),
        ({"seeds": ("a",)}, "--seeds: "),
        ({"threads": 0}, "--threads: "),
        ({"threads": 10**24}, "--threads: "),
        ({"limit": 10**24}, "--limit: "),
        ({"min_time": 1e101}, "--min-time: "),
        ({"jobs": 0}, "--jobs: "),
        ({"timeout": 0}, "timeout: "),
        ({"timeout": float("inf")}, "timeout: "),
        ({"timeout": float("nan")}, "timeout: "),
        ({"rounds": 0}, "rounds: "),
        ({"min_time": 0}, "--min-time: "),
        ({"min_time": float("inf")}, "--min-time: "),
        ({"sedes": 1}, "unknown option '--sedes': did you mean '--seeds'?"),
        ({"task": "digits,"}, "--task: wanted NAME or FILE.py, several separated by commas"),
        ({"task": []}, "--task: wanted NAME or FILE.py"),
        ({"task": ["a", 3]}, "--task: "),
        ({"task": "a,b,a"}, "--task: wanted each task once, and a is given twice"),
        ({"params": 3}, "--set: "),
        ({"params": {"a": 3}}, "params: wanted {'a': {'a': 3}}"),
        ({"params": {"a": {"x": {"y": 1}}}}, "--set a.x: "),
        ({"params": {"a": {"x": None}}}, "--set a.x: "),
        ({"params": {"a": {3: 1}}}, "--set a"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(options, reason):
    with pytest.raises(UsageError) as error:
        run_config(**options)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"neurons": ()}, "neurons: "),
        ({"neurons": (0,)}, "--neurons: "),
        ({"density": (0,)}, "--density: "),
        ({"density": (1.5,)}, "--density: "),
        ({"density": ()}, "density: "),
        ({"proved": ()}, "proved: "),
        ({"beta": 1.1}, "beta: "),
        ({"beta": float("nan")}, "beta: "),
        ({"timeout": None}, "timeout: "),
        ({"seeds": (1,)}, "unknown option '--seeds'"),
    ],
)
def test_a_wrong_option_of_layers_too(options, reason):
    with pytest.raises(UsageError) as error:
        layers_config(**options)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


# --- parameters -----------------------------------------------------------------------------------


def test_settings_are_parsed_once_into_a_mapping():
    texts = ["native-dfa.hidden=32,64", "native-dfa.rate=0.5", "*.epochs= 1 , 2"]
    assert parse_params(texts) == {
        "native-dfa": {"hidden": ("32", "64"), "rate": ("0.5",)},
        "*": {"epochs": ("1", "2")},
    }
    assert parse_params([]) == {}


def test_the_later_of_two_settings_of_one_parameter_holds():
    assert parse_params(["a.x=1,2", "a.y=0", "a.x=3"]) == {"a": {"x": ("3",), "y": ("0",)}}


def test_a_pattern_may_have_dots_and_a_value_may_have_signs():
    assert parse_params(["my.plugin.x=a=b"]) == {"my.plugin": {"x": ("a=b",)}}


@pytest.mark.parametrize(
    "text", ["", "x", "x=1", "a.x", "a.=1", ".x=1", "a.x=", "=1", ".=", "native-dfa.hidden"]
)
def test_a_setting_of_another_form_is_one_line(text):
    with pytest.raises(UsageError) as error:
        parse_params([text])
    assert f"--set {text!r}: wanted NAME.param=value" in str(error.value)


def test_from_python_parameters_are_values_and_lists_of_values():
    params = {"a": {"hidden": [32, 64], "rate": 0.5, "name": "x,y", "on": True, "t": (1,)}}
    assert run_config(params=params).params == {
        "a": {"hidden": (32, 64), "rate": (0.5,), "name": ("x,y",), "on": (True,), "t": (1,)}
    }
    kept = run_config(params=params).params["a"]
    assert [type(values[0]) for values in kept.values()] == [int, float, str, bool, int]


@given(
    st.dictionaries(
        st.text("ab-*", min_size=1),
        st.dictionaries(
            st.text("xy_", min_size=1),
            st.lists(st.integers(-9, 9), min_size=1, max_size=3),
            min_size=1,
        ),
    )
)
def test_the_command_line_and_python_say_the_same(params):
    texts = [
        f"{pattern}.{name}={','.join(map(str, values))}"
        for pattern, chosen in params.items()
        for name, values in chosen.items()
    ]
    texted = run_config(params=parse_params(texts)).params
    assert {
        pattern: {name: [int(v) for v in values] for name, values in chosen.items()}
        for pattern, chosen in texted.items()
    } == params
    assert run_config(params=params).params.keys() == texted.keys()


# --- what follows from it -------------------------------------------------------------------------


def test_trials_share_the_cores_and_have_a_gpu_alone():
    config = run_config()
    assert config.parallel("cpu") == cores()
    assert config.parallel("cuda") == config.parallel("cuda:1") == 1
    assert run_config(threads=10_000).parallel("cpu") == 1
    assert run_config(jobs=7).parallel("cuda") == 7


def test_data_are_looked_for_in_data_then_in_the_variable(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", os.pathsep.join(["/three", "", "~/four"]))
    found = run_config(data=("one", "/two")).data_folders()
    assert found == [str(tmp_path / "one"), "/two", "/three", str(Path.home() / "four")]


def test_sizes_are_measured_from_the_smallest_each_once():
    sizes = list(layers_config(neurons=[64, 8, 64], density=[0.1, 1], steps=5, batch=2).sizes())
    assert [(size.neurons, size.density) for size in sizes] == [
        (8, 1), (8, 0.1), (64, 1), (64, 0.1),
    ]  # fmt: skip
    assert {(size.steps, size.batch) for size in sizes} == {(5, 2)}


def test_the_timed_neuron_is_proved_too():
    config = layers_config(proved=[0.5, 1.0], beta=0.8)
    assert config.timed == Neuron(beta=0.8, detach=True)
    neurons = config.neurons_to_prove()
    assert [(neuron.beta, neuron.detach) for neuron in neurons] == [
        (beta, detach) for beta in (0.5, 1.0, 0.8) for detach in (True, False)
    ]
    assert len(layers_config(proved=[0.9], beta=0.9).neurons_to_prove()) == 2


@pytest.mark.parametrize(("shard", "part"), [("", (1, 1)), ("1/1", (1, 1)), ("3/10", (3, 10))])
def test_a_part_of_a_run(shard, part):
    assert run_config(shard=shard).part == part


@pytest.mark.parametrize(
    "shard", ["0/3", "4/3", "3", "1/0", "-1/3", "1/3/5", "a/b", " 1/3", "1/\u0663"]
)
def test_a_part_that_is_none_is_refused(shard):
    with pytest.raises(UsageError, match="shard: wanted K/N with K from 1 to N, as in 3/10"):
        run_config(shard=shard)


def test_eager_is_always_a_variant_and_the_first():
    assert run_config().variants == ("eager",)
    assert run_config(variants=("graphs", "compile")).variants == ("eager", "compile", "graphs")
    with pytest.raises(UsageError, match="'jit' is unknown: known are eager, compile, graphs"):
        run_config(variants=("jit",))


def test_several_tasks_are_one_text_and_each_is_a_run_of_its_own():
    config = run_config(task=["digits", "nmnist:steps=5,polarity=merged"], seeds=(3,))
    assert config.task == "digits,nmnist:steps=5,polarity=merged"
    assert config == run_config(task=config.task, seeds=(3,))
    assert [config.on(task) for task in config.tasks] == [
        run_config(task="digits", seeds=(3,)),
        run_config(task="nmnist:steps=5,polarity=merged", seeds=(3,)),
    ]


def test_several_presets_are_one_text():
    config = make_config(RunConfig, {"plugins": ("all",), "preset": ["quick", "source*"]})
    assert config.preset == "quick,source*"


def test_options_that_are_no_options_are_one_line():
    with pytest.raises(UsageError, match=r"^the options: "):
        make_config(RunConfig, ["plugins"])
