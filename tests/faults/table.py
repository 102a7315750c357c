"""The tries that were made, one JSON line each, and the table of docs/reliability.md that they come to."""

from __future__ import annotations

import json
from pathlib import Path

TRIES = Path(__file__).with_name("tries.jsonl")
PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
HEAD = (
    "| fault | tries | as wanted | exit codes | records when it came |\n"
    "| --- | --- | --- | --- | --- |\n"
)
GOOD = "as wanted"


def append(path, attempt):
    with path.open("a") as file:
        file.write(json.dumps(attempt) + "\n")


def read(path=TRIES):
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(tries, titles):
    """The table in Markdown, a line for each of `titles` (by the name of the fault)."""
    lines = []
    for name, title in titles.items():
        made = [each for each in tries if each["fault"] == name]
        if not made:
            continue
        good = sum(each["became"] == GOOD for each in made)
        codes = ", ".join(sorted({str(each["code"]) for each in made}))
        counts = sorted(each["records"] for each in made)
        between = f"{counts[0]} to {counts[-1]}" if counts[0] != counts[-1] else f"{counts[0]}"
        lines.append(f"| {title} | {len(made)} | {good} | {codes} | {between} |")
    return HEAD + "\n".join(lines) + "\n"


def written(page, made):
    """`page` with its table replaced."""
    first, rest = page.split("| fault |", 1)
    lines = rest.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines[1:], 1) if not line.startswith("|")), len(lines))
    return first + made + "".join(lines[end:])
