"""Functions of Python files that parameters name, as FILE.py:FUNCTION: found without importing them.

A row names one by the file's name and its content, `net.py:build@0123456789ab`, wherever the file lies.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.catalogue.announced import check_file
from harness.catalogue.digest import file_digest
from harness.errors import UsageError

_TEXT = re.compile(r"(?P<path>.+\.py):(?P<name>[^\W\d]\w*)", re.DOTALL)
#: So many hexadecimal digits tell two files of one name apart.
DIGITS = 12


def split_function(text: str) -> tuple[str, str]:
    """The path in FILE.py:FUNCTION, "" where `text` is nothing of the kind, and what follows the path."""
    parts = _TEXT.fullmatch(text)
    return (parts["path"], f":{parts['name']}") if parts else ("", text)


def function_file(parameter: str, text: str) -> tuple[str, str]:
    """What a row says of the function that `text` names for `parameter`, and the same with its whole path.

    UsageError in one line where `text` has another form, or the file could not be imported.
    """
    path, function = split_function(text)
    if not path:
        raise UsageError(
            f"parameter {parameter}: {text!r} names no function of a file, wanted FILE.py:FUNCTION"
        )
    file = Path(path).expanduser()
    check_file(parameter, file)
    digest = file_digest(file)[:DIGITS]
    return f"{file.name}{function}@{digest}", f"{file.resolve()}{function}"
