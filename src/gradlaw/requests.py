"""What a user asks for, in two bundles: what is examined, and within which limits it runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

from gradlaw.messages import near
from gradlaw_spec import DTYPES, PROGRAM, Address, SpecError, load_laws, load_primitives
from gradlaw_spec.primitive import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is examined, and how strictly.

    ``target`` is the name or place of an engine, as it is loaded by;
    ``addresses`` are patterns of cells (none: every cell);
    ``level`` and ``dtype`` leave the primitives of one level, and one dtype;
    ``known`` is a list of known deviations in place of the shipped one;
    ``strict`` lets a law that SHOULD hold fail the run too;
    ``resume`` goes on with a run that was ended before its end.
    """

    target: str
    addresses: tuple[str, ...] = ()
    level: str | None = None
    dtype: str | None = None
    known: Path | None = None
    strict: bool = False
    resume: bool = False

    def check(self) -> None:
        """Raise SpecError where a choice is none of the law book."""
        check_addresses(self.addresses)
        for key, given, names in (("level", self.level, get_args(Level)), ("dtype", self.dtype, tuple(DTYPES))):
            if given is not None and given not in names:
                raise SpecError("check", f"--{key}={given!r}", f"a {key} of the law book", near(given, names))

    def nothing_to_check(self, name: str) -> SpecError:
        """Return the error of a request that leaves no cell of the target of that name."""
        chosen = [*self.addresses]
        chosen += [f"level={self.level!r}"] if self.level else []
        chosen += [f"dtype={self.dtype!r}"] if self.dtype else []
        expected = f"cells that {name} claims"
        return SpecError("check", ", ".join(chosen) or "nothing", expected, f"See gradlaw check {name} --dry-run.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Within what a target runs.

    ``jobs`` counts worker processes (0: this process);
    ``timeout`` is in seconds, for one case under one law;
    ``memory`` is in bytes, for one worker (0: no limit).
    """

    jobs: int = 1
    timeout: float = 60.0
    memory: int = 0


def check_addresses(patterns: Iterable[str]) -> None:
    """Raise SpecError where a pattern names a primitive, law or dtype that the law book has not."""
    for pattern in patterns:
        address = Address.parse(pattern)
        parts = (
            ("primitive", address.subject, (*load_primitives(), PROGRAM)),
            ("law", address.law, tuple(load_laws())),
            ("dtype", address.dtype, tuple(DTYPES)),
        )
        for kind, part, names in parts:
            if part and not any(fnmatchcase(name, part) for name in names):
                found = f"{kind}={part!r} in address {pattern!r}"
                raise SpecError("address", found, f"a {kind} of the law book", near(part, names))


def default_jobs() -> int:
    """Return how many worker processes there are by default: one a core."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_memory() -> int:
    """Return how many bytes a worker may take by default: 8 GiB, or four fifths of what the machine has."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    return min(8 * 2**30, whole * 4 // 5)
