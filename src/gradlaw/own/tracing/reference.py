"""``gradlaw.trace``: a definition out of a reference that somebody has, in PyTorch or JAX."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from gradlaw.messages import error_line
from gradlaw.own.kernels import likely_libraries
from gradlaw.own.traced import Record, Traced
from gradlaw_spec import DTYPES, Array, SpecError

TRACERS: Final = ("torch", "jax")
"""The libraries whose functions can be traced, each by a module of ``gradlaw.own.tracing.engines``."""
HERE: Final = str(Path(__file__).parents[2])
Tracer = Callable[[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], Any]


def trace(reference: Callable[..., Any], engine: str | None = None) -> Callable[..., Any]:
    """Make a definition of a reference implementation: what it does at the inputs of each case is read as a program.

    ``reference`` is a function of torch tensors or jax arrays, with the arguments of the signature by position and
    options by name; ``engine`` names its library where that is not seen. Operations are those of the library, casts
    stand where the reference casts, and what has no gradient (``detach``, ``stop_gradient``) is held. Where a bfloat16
    or float16 tensor of torch meets a function that torch computes in one go, it is rounded once. Raises SpecError,
    with the line, for what cannot be traced: decisions by computed values, and operations that the law book has not.
    """
    if not callable(reference):
        expected = "a function of torch tensors or jax arrays"
        raise SpecError("trace", f"a reference of type {type(reference).__name__}", expected, "Give the function.")
    if engine is not None and engine not in TRACERS:
        raise SpecError("trace", f"engine={engine!r}", f"one of {', '.join(TRACERS)}", "Name one of these.")
    chosen = [engine] if engine else []

    def definition(*arguments: Any, **options: Any) -> Any:
        if not chosen:
            name, found = _first_library(reference, arguments, options)
            chosen.append(name)
            return found
        return _tracer(chosen[0])(reference, arguments, options)

    try:
        wraps(reference)(definition)
    except (AttributeError, TypeError):
        definition.__name__ = type(reference).__name__
    if not hasattr(reference, "__name__"):
        definition.__name__ = type(reference).__name__.lower()
    return definition


def _tracer(name: str) -> Tracer:
    found: Tracer = import_module(f"gradlaw.own.tracing.engines.{name}").trace_call
    return found


def _first_library(
    reference: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[str, Any]:
    """Return the library that takes a reference, and what was traced; raise SpecError where none does."""
    said = []
    records = [one.record for one in arguments if isinstance(one, Traced)]
    for name in likely_libraries(reference):
        before = [len(record.steps) for record in records]
        try:
            return name, _tracer(name)(reference, arguments, options)
        except NotTraced:
            raise
        except Exception as error:  # the reference's: it may be of another library
            said.append(f"{name}: {error_line(error)}")
        for record, count in zip(records, before, strict=True):
            del record.steps[count:]
    cure = "; ".join(said) or "Install torch or jax."
    raise SpecError("trace", "a reference of no library that is known", "one of torch or jax, or engine=", cure)


@dataclass(frozen=True)
class Gap:
    """Stands for a result that has no steps: what reads it is told why, and the line that made it where it is known."""

    reason: str
    line: str = ""


class NotTraced(SpecError):
    """An operation of a library has no steps in the law book, or a computed value decides what happens."""


@dataclass
class Watched:
    """What a library's values stand for while a reference runs: traced values, exact ones among them, and gaps."""

    record: Record
    exact: set[str] = field(default_factory=set)
    """The names of values that are no results of rounding, so that comparing them is the same in every kernel."""

    def is_exact(self, value: Any) -> bool:
        """Whether a value is the same, bit for bit, in every implementation."""
        return not isinstance(value, Traced) or value.name in self.exact

    def mark(self, value: Any) -> Any:
        """Note that a traced value is exact, and return it."""
        self.exact.add(value.name)
        return value


def watched(arguments: tuple[Any, ...]) -> Watched | None:
    """Return what watches a run on these arguments; None where none of them is traced."""
    for value in arguments:
        if isinstance(value, Traced):
            return Watched(value.record, {one.name for one in arguments if isinstance(one, Traced)})
    return None


def numbers_of(value: Traced) -> Array:
    """Return the numbers that the reference implementation has for a traced value, in its dtype."""
    with np.errstate(all="ignore"):
        return np.asarray(value.data, dtype=np.float64).astype(DTYPES[value.dtype].numpy)


def not_traced(what: str, expected: str, cure: str, place: str = "") -> NoReturn:
    """Raise what says that an operation cannot be traced, and in which line."""
    raise NotTraced(f"trace{place and f': {place}'}", what, expected, cure)


def line_of_user(skipped: tuple[str, ...]) -> str:
    """Return the file and line of the innermost frame outside of gradlaw and of these folders."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((HERE, "<", *skipped)) and not str(frame.f_globals.get("__name__")).startswith(
            "gradlaw"
        ):
            return f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""
