"""The noun Target: an engine on trial, as laws see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gradlaw_spec.array import Array

EngineValue = Any
EngineFunction = Callable[..., Any]
CotangentStyle = Literal["argument", "weighted-sum", "ones"]


class VectorJacobianProduct(Protocol):
    """``vjp(function, primals, cotangents) -> outputs, gradients``.

    ``function`` takes engine values, one for each primal, and returns a tuple of engine values.
    Primals, cotangents and outputs are NumPy arrays; a gradient is an array, or None where the
    engine has none.
    """

    def __call__(
        self, function: EngineFunction, primals: tuple[Array, ...], cotangents: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        """Run the function at the primals, and pull the cotangents back."""
        ...


Pull = Callable[[tuple[Array, ...]], tuple[Array | None, ...]]
"""``pull(cotangents) -> gradients``; can be called again with other cotangents."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """An engine: its name, version, claims, primitives by spec name, and how it differentiates.

    ``pullback(function, primals) -> outputs, pull``, if it has one, is ``vjp`` in two parts, so that what was recorded
    once serves several cotangents. ``forward(function, primals)`` runs without differentiation; ``constant`` makes an
    engine value of an array that is not differentiated. ``composed`` allows a primitive that is missing to be composed
    by its definition inside programs; ``cotangent`` says which cotangents the engine can start from;
    ``flushes_subnormals`` declares that results (and operands) below the smallest normal number may become zero.
    ``scalar`` says that every value is 0-d.
    """

    name: str
    version: str
    levels: tuple[str, ...]
    dtypes: tuple[str, ...]
    primitives: Mapping[str, EngineFunction]
    vjp: VectorJacobianProduct
    forward: Callable[[EngineFunction, tuple[Array, ...]], tuple[Array, ...]]
    constant: Callable[[Array], EngineValue]
    pullback: Callable[[EngineFunction, tuple[Array, ...]], tuple[tuple[Array, ...], Pull]] | None = None
    scalar: bool = False
    composed: bool = True
    cotangent: CotangentStyle = "argument"
    flushes_subnormals: bool = False
