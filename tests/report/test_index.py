from __future__ import annotations

from harness.report.index import Entry, entry, write_index

from .synthetic_run import HOSTILE, description, run_records, session


def test_the_newest_run_comes_first_with_its_first_sentence(tmp_path):
    (tmp_path / "a run").mkdir()
    (tmp_path / "a run" / "report.html").touch()
    old = entry(tmp_path / "a run", description(), run_records())
    new = entry(tmp_path / "new", description(session(started="2026-03-01T00:00:00")), [])
    page = write_index(tmp_path, [old, new]).read_text("utf-8")
    assert page.index(">new<") < page.index("a run")
    assert "Most accurate: ann-relu, 98.1 %" in page
    assert 'href="a%20run/report.html"' in page
    assert "no page yet: harness report" in page
    assert [path.name for path in tmp_path.glob("*.html")] == ["index.html"]


def test_a_hostile_name_is_text(tmp_path):
    page = write_index(tmp_path, [Entry(HOSTILE, problem=HOSTILE)]).read_text("utf-8")
    assert "<script" not in page
