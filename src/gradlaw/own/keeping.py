"""Witnesses of a user's kernels, kept between runs: tried first, and forgotten once they show nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gradlaw_properties import replay
from gradlaw_spec import Cell, SpecError, Target, Verdict, Witness, encode_witness, read_witness

FOLDER: Final = Path(".gradlaw") / "own"
"""Where witnesses are kept, in the working folder."""


def place_of(definition: Callable[..., object], law: str, dtype_name: str) -> Path:
    """Return where the witness of a definition, a law and a dtype is kept."""
    owner = (getattr(definition, "__module__", "") or "").rpartition(".")[2]
    name = getattr(definition, "__qualname__", "definition").replace(".<locals>", "")
    if "<" in name:  # several of a file have no other name
        line = getattr(getattr(definition, "__code__", None), "co_firstlineno", 0)
        name = f"{name.replace('<', '').replace('>', '')}-{line}"
    return FOLDER / f"{owner}-{name}-{law}-{dtype_name}.json"


def keep(path: Path, witness: Witness | None) -> str:
    """Write a witness for the next run; return where, or nothing where there is none or it cannot be written."""
    if witness is None:
        return ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(encode_witness(Witness(witness.case, witness.law)))
        beside.replace(path)
    except OSError:
        return ""
    return str(path)


def shown_again(path: Path, target: Target) -> Cell | None:
    """Replay the witness at a place; return its cell where it still shows a violation, else forget it."""
    if not path.is_file():
        return None
    try:
        cell = replay(read_witness(path), target)
    except (SpecError, KeyError, ValueError):  # of another signature, or no witness at all
        cell = None
    if cell is not None and cell.verdict is Verdict.VIOLATION:
        return cell
    path.unlink(missing_ok=True)
    return None
