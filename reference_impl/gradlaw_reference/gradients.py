"""Gradients of scalar functions, with JAX's signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlaw_reference.engine import Array, vjp
from gradlaw_spec import SpecError


def value_and_grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the value and the gradient of a scalar function.

    ``argnums`` says with respect to which arguments (an integer, or several). Raises SpecError where
    the value is not 0-d or an argument number does not exist.
    """
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def compute(*arguments: Any) -> Any:
        for number in chosen:
            if not -len(arguments) <= number < len(arguments):
                expected = f"below {len(arguments)}, the number of arguments"
                raise SpecError("grad", f"argnums={argnums!r}", expected, "Name an argument that is given.")
        positions = [number % len(arguments) for number in chosen]

        def restricted(*variables: Array) -> Any:
            full = list(arguments)
            for position, variable in zip(positions, variables, strict=True):
                full[position] = variable
            return function(*full)

        value, pullback = vjp(restricted, *(arguments[position] for position in positions))
        if isinstance(value, tuple) or value.shape != ():
            found = "a tuple" if isinstance(value, tuple) else f"shape={value.shape}"
            raise SpecError("grad", found, "a function with a 0-d value", "Use vjp with a cotangent.")
        gradients = pullback(1)
        return value, gradients[0] if isinstance(argnums, int) else gradients

    return compute


def grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar function; see `value_and_grad`."""
    both = value_and_grad(function, argnums)

    def compute(*arguments: Any) -> Any:
        return both(*arguments)[1]

    return compute
