"""The site: `uvx --with tox-uv tox -e docs` builds it, and a warning ends the build.

Sphinx makes the reference from docstrings, myst-nb reads the Markdown that forges show too and runs the
notebook, furo reads well on a telephone and in the dark: the convention of the field.
"""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).parent.parent

project = "snn-harness"
author = "The snn-harness developers"
copyright = author  # noqa: A001 - the name that Sphinx reads
release = installed("snn-harness")
version = release

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = f"snn-harness {release}"
html_static_path: list[str] = []
exclude_patterns = ["examples", "_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

#: Docstrings put code between single backticks, as Markdown does.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True
suppress_warnings = ["myst.strikethrough"]

#: Files beside the documentation that are pages of the site too, by the page's name.
PAGES = {
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "reference-runs": "results/README.md",
}
#: What a link leads to on the site, where that is another place than in the repository.
LINKS = {
    **{f"../{path}": f"{page}.md" for page, path in PAGES.items()},
    **{path: f"{page}.md" for page, path in PAGES.items()},
    **{
        f"../results/{report.parent.name}/report.md": "reference-runs.md"
        for report in ROOT.glob("results/reference-*/report.md")
    },
    "../docs/": "",
    "docs/": "",
    "../harness/plugin/hookspecs.py": "reference/hooks.md",
    "../harness/plugin/toolkit/bptt.py": "reference/toolkit.md",
}


def _pages_of_the_site(_app: object, name: str, source: list[str]) -> None:
    """Puts in the files of PAGES, and lets links lead to pages of the site."""
    if name in PAGES:
        source[0] = (ROOT / PAGES[name]).read_text()
    if name == "reference-runs":
        reports = sorted(path.parent.name for path in ROOT.glob("results/reference-*/report.html"))
        links = (f"- <a href='reports/{report}/report.html'>{report}</a>" for report in reports)
        source[0] += "\n## The reports\n\n" + "\n".join(links) + "\n"
    for path, page in LINKS.items():
        source[0] = source[0].replace(f"]({path}", f"]({page}")


def _plain_docstrings(*given: object) -> None:
    """In our docstrings * and | are themselves: only code between backticks is marked up."""
    lines = given[-1]
    assert isinstance(lines, list)
    for number, line in enumerate(lines):
        if not line.startswith("    "):
            parts = line.split("`")
            parts[::2] = [re.sub(r"[*|]", r"\\\g<0>", part) for part in parts[::2]]
            lines[number] = "`".join(parts)


def _copy_reports(app: object, error: Exception | None) -> None:
    """The reference reports are part of the site."""
    if error:
        return
    for page in ROOT.glob("results/reference-*/report.html"):
        target = Path(app.outdir) / "reports" / page.parent.name  # type: ignore[attr-defined]
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, target / "report.html")
        for name in ("summary.csv", "confusion.csv", "report.md"):
            if (page.parent / name).exists():
                shutil.copy(page.parent / name, target / name)


def setup(app: object) -> None:
    """Sphinx calls it."""
    app.connect("source-read", _pages_of_the_site)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", _plain_docstrings)  # type: ignore[attr-defined]
    for part in ("description", "epilog"):
        app.connect(f"sphinx-click-process-{part}", _plain_docstrings)  # type: ignore[attr-defined]
    app.connect("build-finished", _copy_reports)  # type: ignore[attr-defined]
