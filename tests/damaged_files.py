"""Files as people have them: valid ones, damaged by spreadsheets, editors, downloads and hands."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

CELLS = (
    *(
        "1,000",
        "1.000,00",
        "1e3",
        "1.23457E+11",
        "02.11.2026",
        "11/02/2026",
        "46327",
        "'ORG_1",
        "=1+1",
        "#N/A",
        "TRUE",
        "NULL",
    ),
    *(
        "nan",
        "inf",
        "１２",
        "\u00a0",
        "\u200borg_1",
        "a" * 100_000,
        "\0",
        "é",
        "\x1b[31m",
        '"',
        '""',
        "a\nb",
        "{}",
        "9" * 400,
    ),
    *(
        "1/0",
        "2026-02-30",
        "2026-11-02T25:00:00Z",
        "-1",
        "0.5",
        "usd ",
        "€",
        "monatlich",
        "Net 30",
        "x=y=z",
        ";;",
        "=",
        "1e400",
    ),
)
WHOLE = (
    "",
    " \n\n",
    "[]",
    "{}",
    "null",
    "[[[[",
    '{"a":',
    "\0\0",
    "PK\x03\x04",
    "<<<<<<< HEAD\n",
    "%PDF-1.7",
    "<html>login</html>",
    "---\na: b",
)
ENCODINGS = ("utf-8",) * 6 + ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "utf-32", "cp437")
BYTES = (b"\xff", b"\0", b"\xfe\xff", b"\xed\xa0\x80", b"\xc3", b"\x1a")
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "1e3",
    "0.5",
    "1,000",
    "inf",
    [],
    {},
    [[]],
    "USD",
    10**40,
    "9" * 300,
)
SIGNS = ",;\t=\":[]{}'|\u201c\uff0c "


def damaged(chance: random.Random, text: str) -> bytes:
    """A text with one or two mistakes in it, in some encoding, perhaps with bytes that are none of it."""
    for _ in range(chance.choice((1, 1, 2))):
        text = chance.choice(_TEXTS)(chance, text)
    data = text.encode(chance.choice(ENCODINGS), "replace")
    if chance.random() < 0.2:
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(BYTES) + data[at:]
    return data


def edited(chance: random.Random, document: Any) -> Any:
    """A JSON document with values replaced, removed, added or doubled by hand."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = [place for place in _places(document) if place]
        if not places:
            break
        *way, last = chance.choice(places)
        holder = document
        for part in way:
            holder = holder[part]
        change = chance.randrange(4)
        if change < 2:
            holder[last] = chance.choice(VALUES)
        elif change == 2:
            holder.pop(last)
        elif isinstance(holder, dict):
            holder[chance.choice(("x", "Name", "name ", "amount", "up_to", "tiers"))] = holder[last]
        else:
            holder.append(holder[last])
    return document


def misplaced(chance: random.Random, path: Path) -> None:
    """Something else in a file's place: nothing, a folder, a pipe, a device, a link to itself, a file nobody may read."""
    kind = chance.choice(("gone", "folder", "pipe", "device", "loop", "closed"))
    if kind == "closed":
        path.chmod(0)
        return
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "gone":
        path.symlink_to(path if kind == "loop" else "/dev/zero")


def otherwise(chance: random.Random, rows: list[dict[str, Any]]) -> str:
    """Sample events in another form than NDJSON, as logs, queues and other systems have them."""
    properties = [row["properties"] for row in rows]
    forms: tuple[Callable[[], str], ...] = (
        lambda: "\n".join(f"INFO 2026 {json.dumps(row)}" for row in rows),
        lambda: json.dumps(rows, indent=chance.choice((None, 2))),
        lambda: json.dumps({"events": rows}),
        lambda: "\n".join(
            json.dumps({"specversion": "1.0", "type": "x", "id": "1", "data": one}) for one in properties
        ),
        lambda: "\n".join(
            json.dumps({"event": {"transaction_id": "t", "code": "x", "properties": one}}) for one in properties
        ),
        lambda: "\n".join(
            json.dumps({"type": "track", "event": "x", "userId": "u", "properties": one}) for one in properties
        ),
        lambda: "\n".join(json.dumps(json.dumps(row)) for row in rows),
        lambda: "\n".join(repr(row) for row in rows),
        lambda: json.dumps({"Records": [{"body": json.dumps(row)} for row in rows]}),
        lambda: '{"a":' * 3000,
        lambda: "\n".join(json.dumps(row) for row in edited(chance, rows)),
    )
    return chance.choice(forms)()


def _places(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [way, *(place for key, one in inside for place in _places(one, (*way, key)))]


def _put(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(CELLS) + text[at:]


def _cut(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.randrange(40) :]


def _line(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    at, change = chance.randrange(len(lines)), chance.randrange(6)
    if change == 0:
        lines.insert(at, lines[at])
    elif change == 1:
        lines.pop(at)
    elif change == 2:
        lines[at] += chance.choice((",", ";", ",,,,", " ", '"', "'"))
    elif change == 3:
        lines[1:1] = [""] * 5
    elif change == 4:
        lines[0] = f"{lines[0]},{lines[0]}"
    else:
        cells = lines[at].replace(";", ",").replace("\t", ",").split(",")
        cells[chance.randrange(len(cells))] = chance.choice(CELLS)
        lines[at] = ",".join(cells)
    return "\n".join(lines)


def _signs(chance: random.Random, text: str) -> str:
    return text.replace(chance.choice(SIGNS), chance.choice(SIGNS), chance.choice((1, 3, -1)))


def _word(chance: random.Random, text: str) -> str:
    return text.replace(
        chance.choice(("org_", "plan-", "usd", "MONTHLY", "ev.", "2026", "active", "val")), chance.choice(CELLS)
    )


def _whole(chance: random.Random, text: str) -> str:
    ways = (text.upper(), text.replace("\n", "\r\n"), text.replace("\n", "\r"), "sep=;\n" + text, text * 20)
    return chance.choice((*WHOLE, *ways, text[: chance.randrange(len(text) + 1)]))


_TEXTS = (_put, _put, _cut, _cut, _line, _line, _line, _signs, _signs, _word, _word, _whole)
