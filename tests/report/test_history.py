from __future__ import annotations

from xml.etree import ElementTree

from harness.report.history import drawing, lines, page
from harness.results.history import Point, Track

TRACKS = [
    Track(
        "deep <b>",
        [
            Point("run0", "2026-01-01T10:00:00", "a" * 10, 0.95, 0.94, 0.96),
            Point("run1", "2026-01-02T10:00:00", "b" * 10, 0.90, 0.89, 0.91, "worse", -0.05),
        ],
    ),
    Track("wide", [Point("run0", "", "", 0.95)]),
]


def test_a_line_for_each_row_tells_its_steps():
    assert lines(TRACKS, "test_accuracy") == [
        (
            "deep <b>", "2", "95.0 % [94.0, 96.0]", "90.0 % [89.0, 91.0]",
            "worse at bbbbbbbbbb of 2026-01-02: 90.0 % [89.0, 91.0]",
        ),
        ("wide", "1", "95 %", "95 %", "none"),
    ]  # fmt: skip


def test_the_drawing_is_xml_with_a_point_for_each_run_and_steps_in_their_colour():
    root = ElementTree.fromstring(drawing(TRACKS, "test_accuracy"))
    circles = root.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 3
    assert [circle.get("r") for circle in circles] == ["2.5", "5", "2.5"]
    assert all("nan" not in " ".join(element.attrib.values()) for element in root.iter())


def test_the_page_escapes_names():
    html = page(TRACKS, "test_accuracy")
    assert "<b>" not in html
    assert "deep &lt;b&gt;" in html
    assert "Test accuracy over 2 runs" in html
