"""report.html: one page that holds all it needs and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.report.figures import Picture, themed
from harness.report.view import View

HERE = Path(__file__).parent
#: The parameters of more rows than these are shown when asked for.
OPEN_CARDS = 8


def render(view: View, pictures: Sequence[Picture] = (), remark: str = "") -> str:
    """The page; `remark` says which figures are missing. All is escaped but its own style and script."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    style, script = ((HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html.j2").render(
        view=view,
        pictures=pictures,
        remark=remark,
        style=Markup(style),
        script=Markup(script),
        # Should something slip through the escaping all the same, the browser runs only this script
        # and loads only what the page holds.
        policy=f"default-src 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        source=_source,
        breakable=_breakable,
        br=Markup("<br>"),
        open_cards=OPEN_CARDS,
    )


def _breakable(name: str) -> Any:
    """A row's name that may go on in a new line after each "="."""
    from markupsafe import Markup, escape

    return Markup("=<wbr>").join(map(escape, name.split("=")))


def _source(picture: Picture) -> str:
    """The figure as a data address."""
    data = base64.b64encode(themed(picture.svg).encode()).decode()
    return f"data:image/svg+xml;base64,{data}"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
