"""The adapter's own functions: a mistake in one of them is the adapter's, and never a verdict about the engine.

An exception is the adapter's where all of this holds: its type is that of a programming mistake (`MISTAKES`); its
innermost frame is in a function that the adapter handed to the helper (``vjp``, ``backward``, ``value``, …) or in one
that is written inside of it; that function stands in the file that makes the target, and is no method of a class; and
the engine's primitives had returned engine values. So an engine that lives in the file of its adapter keeps what its
own classes and primitives raise, and what is raised in an engine's package is always the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from types import CodeType, TracebackType
from typing import Any, Final

import numpy as np

from gradlaw.messages import error_line

MISTAKES: Final = (TypeError, AttributeError, NameError, KeyError, IndexError)
"""What Python raises where a program is wrong; what an engine refuses comes as another type."""
RAW: Final = (bool, int, float, np.generic, np.ndarray)
"""Plain numbers and arrays, which no engine recorded."""


class AdapterError(BaseException):
    """A mistake of the adapter, in one line; not an `Exception`, so that nobody takes it for the engine's."""


class _Watched:
    """A function, and whether it returned anything but engine values and plain numbers (``strange``)."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.strange = function, False

    def __call__(self, *inputs: Any) -> Any:
        outputs = self.function(*inputs)
        known = (*map(type, inputs), *RAW)
        self.strange = self.strange or not all(isinstance(output, known) for output in outputs)
        return outputs


class Handed:
    """The functions that an adapter in a file handed to a helper; ``guard`` tells their mistakes from the engine's."""

    def __init__(self, file: str, functions: Iterable[Any]) -> None:
        self.codes = frozenset(code for function in functions for code in _codes(function, file))

    def guard(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call(function, …)``, which raises AdapterError where an exception is the adapter's own."""

        @wraps(call)
        def run(function: Callable[..., Any], *arguments: Any) -> Any:
            watched = _Watched(function)
            return self._call(watched, call, watched, *arguments)

        return run

    def guard_pullback(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call(function, …) -> outputs, pull``, both of which raise AdapterError for what is the adapter's."""

        @wraps(call)
        def run(function: Callable[..., Any], *arguments: Any) -> Any:
            watched = _Watched(function)
            outputs, pull = self._call(watched, call, watched, *arguments)
            return outputs, partial(self._call, watched, pull)

        return run

    def _call(self, watched: _Watched, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except MISTAKES as error:
            self._tell(error, watched.strange)
            raise

    def is_own(self, error: BaseException) -> bool:
        """Whether an error is a mistake that began in a function that the adapter handed over."""
        place = _innermost(error.__traceback__)
        return isinstance(error, MISTAKES) and place is not None and place.tb_frame.f_code in self.codes

    def _tell(self, error: BaseException, strange: bool) -> None:
        """Raise AdapterError where an error began in the adapter, and the engine had returned values of its own."""
        place = _innermost(error.__traceback__)
        if strange or place is None or not self.is_own(error):
            return
        code = place.tb_frame.f_code
        name = "" if code.co_name == "<lambda>" else f", in {code.co_name}"
        text = f"adapter error: {code.co_filename}:{place.tb_lineno}{name}: {error_line(error)}"
        raise AdapterError(text) from error


def _innermost(place: TracebackType | None) -> TracebackType | None:
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place


def _codes(function: Any, file: str) -> Iterator[CodeType]:
    """Yield the code of a function of a file, and of what is written inside of it; of a class or a method, none."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    plain = "." not in getattr(function, "__qualname__", ".").rpartition("<locals>.")[2]
    if isinstance(code, CodeType) and code.co_filename == file and plain:
        waiting = [code]
        while waiting:
            found = waiting.pop()
            yield found
            waiting += [constant for constant in found.co_consts if isinstance(constant, CodeType)]
