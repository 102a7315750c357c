"""Ways to damage a file: bytes lost or replaced, and values of a kind that no run writes.

`random` is a `random.Random`, or one of hypothesis's.
"""

from __future__ import annotations

import json

HOSTILE = [
    "NaN", "-Infinity", "1e400", "-1e99", "9" * 30, "-1", "0", "1.7", "true", "null",
    '""', '"\\ud800"', '"\\u001b[31m"', '"=cmd|calc"', '"a"', "[]", "{}", "[[1]]", '{"a": {"b": 1}}',
    '{"median": 1}', '{"median": "x"}', "[null]", "2147483647", "1e-300",
    "DIGITS", "DEEP", "DEEPER",
]  # fmt: skip

#: What would fill the screen where a test fails.
LONG = {
    "DIGITS": "9" * 5000,
    "DEEPER": "[" * 9999 + "]" * 9999,
    "DEEP": "[" * 99 + "]" * 99,
}
#: A configuration file that says much.
TOML = """\
plugins = ["native-dfa", "mine.py"]
task = "mnist"
preset = "quick"
seeds = [0, 1, 2]
min-time = 0.05
timeout = 60.0
memory = 4
data = "data"
metrics = ["robustness"]
executor = "dask"
scheduler = "tcp://head:8786"
shard = "1/2"
out = "here"
[set.native-dfa]
hidden = [32, 64]
"""
NAMES = ["device", "label", "\ud800", "\x1b[2J", ""]


def hostile(random):
    """A JSON text that nobody expects."""
    text = random.choice(HOSTILE)
    return LONG.get(text, text)


def places(tree, path=()):
    """Every place in a tree of JSON."""
    yield path
    parts = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for name, part in parts:
        yield from places(part, (*path, name))


def changed(random, text):
    """A JSON text, with something in it replaced, renamed or taken away."""
    tree = json.loads(text)
    *path, last = random.choice([place for place in places(tree) if place])
    parent = tree
    for name in path:
        parent = parent[name]
    way = random.choice(["replace", "remove", "rename"])
    if way == "replace":
        parent[last] = "HOLE"
    elif way == "rename" and isinstance(parent, dict):
        parent[random.choice(NAMES)] = parent.pop(last)
    else:
        del parent[last]
    return json.dumps(tree).replace('"HOLE"', hostile(random))


def changed_line(random, text):
    """JSON lines, with one of them changed."""
    lines = text.splitlines()
    number = random.randrange(len(lines))
    lines[number] = changed(random, lines[number])
    return "\n".join(lines)


def changed_value(random, text):
    """A TOML text, with one value replaced, doubled or taken away."""
    lines = text.splitlines()
    number = random.randrange(len(lines))
    key, equals, _ = lines[number].partition("=")
    way = random.choice(["replace", "remove", "double"])
    if way == "replace" and equals:
        lines[number] = f"{key}= {hostile(random)}"
    elif way == "double":
        lines.insert(number, lines[number])
    else:
        del lines[number]
    return "\n".join(lines)


def changed_header(random, content):
    """A safetensors file, with something in its header changed, or the header's length."""
    size = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + size], content[8 + size :]
    if random.randrange(4):
        header = changed(random, header.decode()).encode(errors="surrogatepass")
        size = len(header)
    else:
        size = random.choice([0, 1, size - 1, size + 1, 2**31, 2**40, 2**63, 2**64 - 1])
    return size.to_bytes(8, "little") + header + rest


def damaged(random, content):
    """Bytes, cut off or with some of them replaced."""
    if random.randrange(2):
        return content[: random.randrange(len(content) + 1)]
    place = random.randrange(max(len(content) - 8, 0) + 1)
    new = bytes(random.randrange(256) for _ in range(random.randrange(9)))
    return content[:place] + new + content[place + 8 :]
