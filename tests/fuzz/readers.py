"""Each reader of what somebody gives, and random input for it: near to what it reads, and far from it.

A reader may take its input, or refuse it with a SpecError of one printable line (an expression shows its place with a
caret). Any other exception is a defect. ``benchmarks/fuzz.py`` runs the same in a campaign.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from gradlaw.circuits.values import read_assignments, read_value
from gradlaw.formats.reading import read_report
from gradlaw.known import load_known
from gradlaw.messages import mistake_text
from gradlaw.requests import check_addresses
from gradlaw.witnesses import check_witness
from gradlaw_spec import SpecError, load_laws, load_primitives, parse_computation
from gradlaw_spec.text import HIDDEN, LINE
from gradlaw_spec.written import decode_program, decode_witness

FOLDER: Final = Path(tempfile.mkdtemp(prefix="gradlaw-fuzz-"))
WITNESS: Final[dict[str, Any]] = {
    "subject": "add",
    "program": {
        "inputs": ["x", "y"],
        "steps": [{"name": "z", "primitive": "add", "operands": ["x", "y"], "attributes": {}}],
        "outputs": ["z"],
        "data": [],
    },
    "values": {
        "x": {"dtype": "float64", "shape": [2], "values": ["0x1p0", "-0x1p3"]},
        "y": {"dtype": "float64", "shape": [2, 1], "values": ["0x1p0", "0x1p-1074"]},
    },
    "cotangents": [{"dtype": "float64", "shape": [2, 2], "values": ["0x1p0", "0x1p0", "0x1p0", "0x1p0"]}],
    "dtype": "float64",
    "seed": 3,
    "law": "gradient",
    "target": "torch",
}
REPORT: Final[dict[str, Any]] = {
    "gradlaw": "0.1.0",
    "spec": "0.1",
    "target": {"name": "torch", "version": "2", "accuracies": {"exp": 3}},
    "seed": 0,
    "summary": {"pass": 1},
    "cells": [
        {
            "address": "add/gradient@float64",
            "verdict": "violation",
            "examples": 1,
            "points": 1,
            "inconclusive": 0,
            "seconds": 0.5,
            "clause": "",
            "message": "m",
            "witness": WITNESS,
            "script": "",
        }
    ],
    "finished": True,
}
RESULTS: Final[dict[str, Any]] = {
    "gradlaw": "0.1.0",
    "spec": "0.1",
    "target": "torch",
    "version": "2",
    "seed": 0,
    "accuracies": {"exp": 3},
    "verdicts": {"add/gradient": {"float64": "pass"}},
}
KNOWN: Final[dict[str, Any]] = {
    "deviation": [
        {
            "id": "one",
            "reason": "because",
            "url": "",
            "versions": ["2"],
            "shows": [{"address": "add/gradient@float64", "where": ["x1 > 3"], "witness": WITNESS}],
        }
    ]
}
WORDS: Final = (*load_primitives(), *load_laws(), "program", "axis", "index", "x", "y", "z", "float32", "bfloat16")
ODD: Final = st.sampled_from(
    [
        None, True, -1, 0, 1, 2, 70, 99, 2**31, 2**63, 2**64, 10**9, -(2**63), 10**399, 0.5, 1e308, -0.0, "", "x", "nan",
        "inf", "0x1p1024", "0x1p99999", "-0x1.8p-1074", "0x", "\ud800", "\x1b[31m", "\u202e", "\0", "a" * 300, [], {},
        [0] * 70, [1] * 33, [10**5, 10**5], [[]], [-1], {"x": 1}, "float16", "int64", "bool", "../x", "/dev/zero", ["axis"], [None], {"axis": 99},
        {"axis": 2**63}, {"shape": [10**5, 10**5]}, {"index": ["ellipsis", "newaxis", 5]}, {"axes": [9, 9]}, "newaxis",
    ]
)  # fmt: skip


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places in nested data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, inner in items for path in paths(inner, (*here, key)))]


@st.composite
def changed(draw: st.DrawFn, content: Any) -> Any:
    """Draw data that differs from this in one to three places."""
    found = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(paths(found)))
        value = draw(ODD | st.sampled_from(WORDS) | st.text(max_size=9) | st.integers() | st.floats())
        if not place:
            return draw(st.sampled_from([value, [found], found]))
        inner = found
        for key in place[:-1]:
            inner = inner[key]
        if isinstance(inner, dict) and draw(st.integers(0, 3)) == 0:
            del inner[place[-1]]
        else:
            inner[place[-1]] = json.loads(json.dumps(value))
    return found


@st.composite
def written_json(draw: st.DrawFn, content: Any) -> bytes:
    """Draw JSON near to this: data changed, then sometimes bytes too."""
    text = json.dumps(draw(changed(content)), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    return draw(torn(text))


@st.composite
def torn(draw: st.DrawFn, text: bytes) -> bytes:
    """Draw a text that is whole, cut off, has other bytes in it, or is deeply nested."""
    kind = draw(st.integers(0, 9))
    place = draw(st.integers(0, max(len(text) - 1, 0)))
    if kind == 0:
        return text[:place]
    if kind == 1:
        return text[:place] + draw(st.binary(max_size=8)) + text[place:]
    if kind == 2:
        return text.replace(b"[", b"[" * draw(st.sampled_from([2, 300, 3000])), 1)
    if kind == 3:
        return draw(st.binary(max_size=60))
    return text


def toml(value: Any) -> str:
    """Write a value as TOML has it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return '""' if value is None else json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


@st.composite
def written_toml(draw: st.DrawFn, content: Any) -> bytes:
    """Draw TOML near to this."""
    found = draw(changed(content))
    lines = (
        [f"{json.dumps(str(key))} = {toml(value)}" for key, value in found.items()] if isinstance(found, dict) else []
    )
    return draw(torn("\n".join(lines).encode("utf-8", "surrogatepass")))


PIECES: Final = st.sampled_from(
    [*WORDS, "(", ")", "[", "]", ",", "=", "==", "+", "-", "*", "**", "/", "@", ":", ";", "\n", " ", "0", "1", "1e999",
     "9" * 400, "2**99", "...", "None", "True", "'a'", "f''", "lambda", "for", "if", "\0", "\x1b", "\ud800", "é", "𝒙",
     "randn(", "ones(", "zeros(", "1:2:3", "[[1, 2]]", "axis=", "axis=99", "axis=2**63", "(1, 2)", "not ", "~", "\\", "#"]
)  # fmt: skip
TEXTS: Final = st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=30)
CALLS: Final = st.builds("{}({})".format, st.sampled_from(WORDS), TEXTS)


def in_file(read: Callable[[Path], Any], suffix: str) -> Callable[[bytes], Any]:
    """Return a reader of bytes that reads them from a file."""

    def reader(content: bytes) -> Any:
        path = FOLDER / f"input{suffix}"
        path.write_bytes(content)
        return read(path)

    return reader


def read_whole_witness(content: bytes) -> None:
    """Read a witness as ``gradlaw replay`` does."""
    check_witness(decode_witness(content, "case.json"), "case.json")


def read_at(text: str) -> None:
    """Read what stands behind ``--at``."""
    for name, value in read_assignments([text]).items():
        read_value(name, value)


READERS: Final[Mapping[str, tuple[st.SearchStrategy[Any], Callable[[Any], Any]]]] = {
    "witness": (written_json(WITNESS), read_whole_witness),
    "program": (written_json(WITNESS["program"]), decode_program),
    "report": (written_json(REPORT), in_file(read_report, ".json")),
    "results": (written_toml(RESULTS), in_file(read_report, ".toml")),
    "known": (written_toml(KNOWN), in_file(load_known, ".toml")),
    "expression": (TEXTS | CALLS, parse_computation),
    "at": (TEXTS | TEXTS.map(lambda text: f"x={text}"), read_at),
    "address": (TEXTS, lambda text: check_addresses([text])),
}
"""Input for each reader, and the reader."""


def refused(read: Callable[[Any], Any], given: Any) -> bool:
    """Read; return whether that was refused as it should be. What is raised otherwise is a defect."""
    try:
        read(given)
    except SpecError as error:
        shown = mistake_text(str(error))
        assert len(shown) <= LINE + 40, shown
        assert not HIDDEN.search(shown), shown
        return True
    return False
