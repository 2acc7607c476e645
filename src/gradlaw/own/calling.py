"""What a library does for a kernel: it takes arrays, runs forward, and pulls cotangents back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradlaw.own.layouts import fitting
from gradlaw_spec import Array


@dataclass(frozen=True)
class Call:
    """One call of a kernel: its arguments in order, as NumPy arrays and numbers, and how it is called."""

    kernel: Any
    arguments: Mapping[str, Any]
    differentiated: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""

    def layout(self, name: str, array: Array) -> str:
        """Return the layout of an input, or of a cotangent, as far as the array can be laid out so."""
        return fitting(self.layouts.get(name, "contiguous"), array)


Pulled = Callable[[tuple[Array, ...]], tuple["Array | None", ...]]


@dataclass(frozen=True)
class Recorded:
    """A forward run that can be pulled back, once or several times as the kernel allows."""

    outputs: tuple[Array, ...]
    pull: Pulled


class Library(Protocol):
    """How a library runs a kernel."""

    name: str
    version: str
    flushes_subnormals: bool
    accuracies: Mapping[str, int]
    shares: bool
    """Whether an input can be used beside the kernel, by the library's own differentiation."""
    shapes: int
    """So many shapes are drawn in a run: few where each one is compiled."""

    def owns(self, value: Any) -> bool:
        """Whether a value is one of the library's."""
        ...

    def forward(self, call: Call) -> Any:
        """Return what the kernel returns, as it is, without differentiation."""
        ...

    def arrays(self, outputs: Any) -> tuple[Array, ...]:
        """Return what a kernel returned as NumPy arrays."""
        ...

    def record(self, call: Call) -> Recorded:
        """Run the kernel under differentiation."""
        ...

    def recorded(self, kernel: Any, recorder: Any) -> Any:
        """Return a kernel that does the same, and gives a `Recorder` what it is called with."""
        ...

    def lines(self, call: Call, cotangents: tuple[Array, ...], kernel: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the imports and the lines of a script that makes a call and prints values and gradients."""
        ...


def as_tuple(outputs: Any) -> tuple[Any, ...]:
    """Return a kernel's outputs as a tuple."""
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
