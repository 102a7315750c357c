from __future__ import annotations

import pytest

from harness.report.looks import KNOWN, MARKERS, PALETTE, SHAPES, looks, own


def test_a_plugin_keeps_its_look_whatever_else_is_compared():
    alone = looks(["native-dfa"])[0]
    assert looks(["ann-relu", "my-plugin", "native-dfa", "native-bptt"])[2] == alone
    assert looks(["my-plugin"])[0] == looks(["ann-relu", "my-plugin"])[1] == own("my-plugin")


def test_known_plugins_never_look_alike():
    assert len(set(looks(KNOWN))) == len(KNOWN)


def test_a_known_plugin_goes_before_one_that_is_not():
    rival = next(f"p{n}" for n in range(10_000) if own(f"p{n}") == own("ann-relu"))
    mine, known = looks([rival, "ann-relu"])
    assert known == own("ann-relu")
    assert mine != known


def test_rows_of_one_plugin_differ_in_colour():
    sweep = looks(["native-dfa"] * len(PALETTE))
    assert sweep[0] == own("native-dfa")
    assert {look.colour for look in sweep} == set(PALETTE)


@pytest.mark.parametrize("count", [49, 200])
def test_of_many_rows_all_have_a_look(count):
    found = looks([f"plugin-{n}" for n in range(count)])
    pairs = {(look.colour, look.marker) for look in found}
    assert len(pairs) == min(count, len(PALETTE) * len(MARKERS))


def test_each_marker_has_a_shape_on_the_page():
    assert len(SHAPES) == len(MARKERS)
