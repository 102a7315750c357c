from __future__ import annotations

from harness.plugin.contract import Neuron
from harness.results.labels import labels
from harness.subjects import LayerRow, LayerSize


def layer(plugin="a", batch=4, **neuron):
    size = LayerSize(neurons=512, steps=10, batch=batch, density=0.1)
    return LayerRow(
        plugin=plugin, framework="f", neuron=Neuron(**{"beta": 0.9} | neuron), size=size
    )


def test_a_plugins_name_is_enough_where_it_is_unique(make_row):
    assert labels([make_row(plugin="a"), make_row(plugin="b")]) == ["a", "b"]
    assert labels([]) == []


def test_swept_parameters_and_what_rows_differ_in_are_named(make_row):
    rows = [
        make_row(plugin="a", swept={"hidden": 32}, preset="best"),
        make_row(plugin="b", device="cuda"),
    ]
    assert labels(rows) == [
        "a preset=best device=cpu hidden=32",
        "b preset=quick device=cuda",
    ]


def test_a_parameter_that_one_row_swept_is_named_in_all_rows_of_its_plugin(make_row):
    rows = [
        make_row(plugin="a", params={"hidden": 64}),
        make_row(plugin="a", params={"hidden": 32}, swept={"hidden": 32}),
        make_row(plugin="b", params={"hidden": 64}),
    ]
    assert labels(rows) == ["a hidden=64", "a hidden=32", "b"]


def test_a_row_without_a_limit_has_all_samples(make_row):
    assert labels([make_row(limit=50), make_row()]) == ["fake limit=50", "fake all samples"]


def test_what_tells_two_rows_apart_is_added_only_to_these(make_row):
    rows = [
        make_row(plugin="a", params={"lr": 0.1, "hidden": 8}),
        make_row(plugin="a", params={"lr": 0.2, "hidden": 8}),
        make_row(plugin="b", params={"lr": 0.2}),
    ]
    assert labels(rows) == ["a lr=0.1", "a lr=0.2", "b"]


def test_versions_come_before_digests(make_row):
    rows = [
        make_row(framework_version="1.0", digest="0123456789"),
        make_row(framework_version="2.0", digest="9876543210"),
    ]
    assert labels(rows) == ["fake none=1.0", "fake none=2.0"]
    rows[1] = make_row(framework_version="1.0", digest="9876543210")
    assert labels(rows) == ["fake code=01234567", "fake code=98765432"]


def test_rows_of_other_data_are_told_apart(make_row):
    rows = [make_row(data="0123456789"), make_row(data="9876543210"), make_row()]
    assert labels(rows) == ["fake data=01234567", "fake data=98765432", "fake"]


def test_layers_are_named_by_their_size_and_by_what_else_they_differ_in():
    assert labels([layer(), layer("b")]) == [
        "a neurons=512 density=0.1",
        "b neurons=512 density=0.1",
    ]
    assert labels([layer(), layer(batch=8)])[1] == "a neurons=512 density=0.1 batch=8"
    assert labels([layer(), layer(beta=1.0)])[1] == "a neurons=512 density=0.1 beta=1.0"
