"""Settings of the whole process: a target keeps what it sets, and gradlaw computes beside it under its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np

from gradlaw_spec import Program, Pull, Target
from gradlaw_spec.target import Arrays, Values

Floats = Mapping[str, Any]
"""What NumPy does at a division by zero, an overflow, an underflow, and where a number is none: ``np.geterr()``."""
CALLS: Final = ("run", "jvp", "batched", "walks", "second_order", "overwritten")
"""The calls of a target that return no call."""
PULLBACKS: Final = ("pullback", "compiled")


@contextmanager
def as_before() -> Iterator[None]:
    """Put back NumPy's settings, and a recursion limit that was lowered; who raised it needs it so."""
    limit = sys.getrecursionlimit()
    with np.errstate():
        try:
            yield
        finally:
            if sys.getrecursionlimit() < limit:
                sys.setrecursionlimit(limit)


def under(target: Target, floats: Floats) -> Target:
    """Return a target that runs under settings of NumPy, whatever those around it are."""

    def put(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            with np.errstate(**floats):
                return call(*given, **named)

        return run

    def put_both(call: Callable[..., Any]) -> Callable[..., Any]:
        def pullback(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
            outputs, pull = put(call)(program, values, keep)
            return outputs, put(pull)

        return pullback

    changed: dict[str, Any] = {name: put(call) for name in CALLS if (call := getattr(target, name)) is not None}
    changed |= {name: put_both(call) for name in PULLBACKS if (call := getattr(target, name)) is not None}
    return replace(target, **changed)
