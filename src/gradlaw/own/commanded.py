"""What a command asks of the checks in a user's function: results to collect, recorded calls or a witness to judge.

The function takes no argument, so its checks are told through these lists; the last entry counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gradlaw.own.result import Result
from gradlaw_spec import Witness

COLLECTING: Final[list[list[Result]]] = []
"""Who wants to see the results of checks."""
RECORDED: Final[list[str | Path]] = []
"""The file whose calls are judged where a check names none."""


@dataclass
class Replayed:
    """A witness that is tried alone, where it is from, and what was found of each check that it fits."""

    witness: Witness
    path: str
    found: list[str] = field(default_factory=list)


REPLAYING: Final[list[Replayed]] = []
"""The witness that checks try in place of their cases."""


@contextmanager
def collected() -> Iterator[list[Result]]:
    """Collect the results of the checks that are made in a block."""
    results: list[Result] = []
    COLLECTING.append(results)
    try:
        yield results
    finally:
        COLLECTING.remove(results)


@contextmanager
def judging(path: str | Path) -> Iterator[None]:
    """Let the checks in a block judge what was recorded in a file."""
    RECORDED.append(path)
    try:
        yield
    finally:
        RECORDED.pop()


@contextmanager
def replaying(witness: Witness, path: str) -> Iterator[Replayed]:
    """Let the checks in a block try one witness alone."""
    replayed = Replayed(witness, path)
    REPLAYING.append(replayed)
    try:
        yield replayed
    finally:
        REPLAYING.remove(replayed)
