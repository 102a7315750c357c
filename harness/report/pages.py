"""report.md and report.html, from one template each; the page asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report.content import Item, Picture
from harness.report.looks import SHAPES
from harness.report.numbers import ESCAPES, plain
from harness.report.rows import DARK, LIGHT

HERE = Path(__file__).parent

#: Code inside a text: what has no meaning in a table or in HTML either, and is no part of a longer fence.
_CODE = re.compile(r"(?<!`)`([\w .,:=+()*'-]+)`(?!`)", re.ASCII)

#: As `markupsafe.escape` writes them.
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})

#: What stands before a value that is the best of its column, or cannot be told from it.
_MARKS = {
    "": "",
    "best": '<span class="mark best" aria-hidden="true">●</span><span class="unseen">best: </span>',
    "tie": '<span class="mark tie" aria-hidden="true">○</span>'
    '<span class="unseen">as good as the best: </span>',
}


def render(
    said: Mapping[str, Any],
    sections: Sequence[Mapping[str, Any]],
    kept: dict[Any, Markup] | None = None,
) -> dict[str, str]:
    """The reports by their files' names: what is said of the run, and of each of its tasks.

    Tables and cards, which do not depend on the figures, are taken from `kept`, or put there for the
    next time.
    """

    def once(macro: Callable[..., Markup], subject: object, *further: Any) -> Markup:
        part = (macro.name, id(subject))  # type: ignore[attr-defined] # a macro of Jinja's has one
        if kept is None:
            return macro(subject, *further)
        if part not in kept:
            kept[part] = macro(subject, *further)
        return kept[part]

    # The block of data has no character that means anything to HTML (`facts.as_json`).
    own = [{**section, "data": Markup(section["page"]["data"])} for section in sections]
    several = len(own) > 1
    facts = {**said, "sections": own, "once": once, "heading": "h3" if several else "h2"}
    names = {"report.md": "report.md.j2", "report.html": "page/page.html.j2"}
    return {name: _template(template, several).render(facts) for name, template in names.items()}


def render_index(name: str, entries: Sequence[Any]) -> str:
    """The page of a folder of runs."""
    return str(_template("page/index.html.j2").render(name=plain(name), entries=entries))


@cache
def _template(name: str, several: bool = False) -> Any:
    """A template in which everything is escaped, but the page's own style and script.

    That of `several` tasks has what their sections need in addition.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_markdown if name.startswith("report.md") else None,
    )
    style, script = _joined("css"), _in_function(_joined("js"))
    if several:
        style, script = style + _joined("css-tasks"), _for_each_task(_joined("js"))
    environment.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        # Should something slip through the escaping all the same, the browser runs only this script
        # and loads only what the page holds.
        "policy": f"default-src 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        "source": _source,
        "breakable": _breakable,
        "cell": _cell,
        "definitions": _definitions,
        "fenced": _fenced,
        "shapes": SHAPES,
    }
    return environment.get_template(name)


def _joined(kind: str) -> str:
    """The page's files of a kind in the order of their names, as one text."""
    return "\n".join(file.read_text("utf-8") for file in sorted((HERE / "page" / kind).iterdir()))


def _in_function(script: str) -> str:
    """A script whose names do not meet those of the page."""
    return f'"use strict";\n(() => {{\n{script}}})();\n'


def _for_each_task(script: str) -> str:
    """The script of one task, once for each, which takes the task's section for its document."""
    return _in_function(
        f"{_joined('js-tasks')}for (const task of document.querySelectorAll('section.task')) "
        f"((document) => {{\n{script}}})(within(task));\n"
    )


def _markdown(text: object) -> Markup:
    """`text` on one line: only its code is Markdown, no other character that Markdown or HTML knows."""
    if isinstance(text, Markup):
        return text
    parts = _CODE.split(plain(text))  # every second one is code, in which nothing needs an escape
    parts[::2] = (part.translate(ESCAPES) for part in parts[::2])
    return Markup("`".join(parts))


def _fenced(command: str) -> Markup:
    # Longer than any run of backticks inside, so that none of them ends the block.
    fence = "`" * (2 + max(map(len, re.findall("`+", command)), default=1))
    return Markup(f"{fence}\n{command}\n{fence}")


def _breakable(name: str) -> Markup:
    """A row's name that may go on in a new line after each "="."""
    return Markup("=<wbr>").join(map(escape, name.split("=")))


def _cell(item: Item, mark: str = "") -> Markup:
    """What stands in a cell of a table. Python's, not a macro's: a large page has 50 000 of them."""
    text, style = _escaped(item.value), _escaped(item.style)
    if style == "code":
        text = "<br>".join(f"<code>{part}</code>" for part in text.split("\n"))
    elif style:
        text = f'<span class="{style}">{text}</span>'
    small = "".join(f" <small>{_escaped(s)}</small>" for s in (item.interval, item.remark) if s)
    return Markup(_MARKS[mark] + text + small)


def _definitions(pairs: Iterable[tuple[object, object]]) -> Markup:
    """A list of subjects and what is said of each."""
    lines = [f"  <dt>{_escaped(a)}</dt><dd>{_with_code(b)}</dd>\n" for a, b in pairs]
    return Markup("".join(("<dl>\n", *lines, "</dl>\n")))


def _with_code(text: object) -> str:
    """The text escaped, with what is code in it marked as that."""
    return _CODE.sub(r"<code>\1</code>", _escaped(text))


def _escaped(text: object) -> str:
    """As `markupsafe.escape`, whose Markup costs more than the escaping."""
    return text if isinstance(text, Markup) else str(text).translate(_HTML)


def themed(svg: str) -> str:
    """`svg` for the page: its ink and paper follow the reader's light or dark theme.

    A file for other programs keeps plain colours: most of them know no CSS variables.
    """
    for place, colour in enumerate(LIGHT):
        svg = svg.replace(colour, f"var(--c{place})")
    light, dark = (
        "".join(f"--c{place}:{colour};" for place, colour in enumerate(theme))
        for theme in (LIGHT, DARK)
    )
    style = f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return svg.replace("<defs>", f"<defs><style>{style}</style>", 1)


def _source(picture: Picture) -> str:
    """The figure as a data address."""
    # Shorter than in base64: few characters of a drawing must be escaped.
    data = quote(themed(picture.svg), safe=" ,;:/)=+-'*!?@$&|[]{}^`~\"")
    return f"data:image/svg+xml,{data}"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
