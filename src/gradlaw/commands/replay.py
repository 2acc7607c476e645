"""``gradlaw replay``: one witness again, under its law."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from gradlaw.commands import NO_VIOLATION, VIOLATIONS
from gradlaw.own.command import replay_function
from gradlaw.own.settings import is_own
from gradlaw.reports.text import print_cell
from gradlaw.requests import Limits
from gradlaw.running.session import Session
from gradlaw.witnesses import check_witness, trusted_target
from gradlaw_properties import Settings
from gradlaw_spec import SpecError, read_witness


def replay_witness(path: Path, target: str | None, limits: Limits) -> int:
    """Replay a witness and print its cell; return the exit status."""
    witness = read_witness(path)
    if is_own(witness.case):
        if target is None:
            raise SpecError(str(path), "a witness of gradlaw.check", "its test", "Give --target path.py:test.")
        return replay_function(target, witness, str(path))
    check_witness(witness, str(path))
    chosen = target or trusted_target(witness, str(path))
    if not chosen:
        raise SpecError(f"{path}: $.target", "target=''", "the target that it is a witness of", "Give --target.")
    console = Console(file=sys.stdout, highlight=False)
    with Session(chosen, Settings(), limits) as session:
        session.plan()
        cell = session.replay(witness)
    print_cell(console, cell)
    return VIOLATIONS if cell.verdict.is_bad else NO_VIOLATION
