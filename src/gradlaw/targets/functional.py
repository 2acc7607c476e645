"""Functional engines: a function goes in, outputs and gradients come out."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from gradlaw.targets.claims import near, require_callable, require_claims, require_primitives
from gradlaw_spec import Array, EngineFunction, EngineValue, SpecError, Target, load_primitives

HELPER = "functional_target"


def functional_target(
    *,
    name: str,
    version: str,
    levels: Iterable[str],
    dtypes: Iterable[str],
    array: Callable[[Array], EngineValue],
    numpy: Callable[[EngineValue], Any],
    vjp: Callable[..., tuple[Any, Any]],
    jvp: Callable[..., Any] | None = None,
    compile: Callable[..., Any] | None = None,
    primitives: Mapping[str, EngineFunction] | None = None,
    namespace: Any = None,
    composed: bool = True,
    flushes_subnormals: bool = False,
) -> Target:
    """Make a target of an engine that differentiates functions.

    ``array`` makes an engine value of a NumPy array and ``numpy`` a NumPy array of an engine value, of the
    same dtype. ``vjp(function, primals, cotangent)`` returns the output and one gradient a primal (None: the
    engine has none), all of them engine values; a function with several outputs returns a tuple and gets a
    tuple of cotangents. The primitives are those in ``primitives``, and every one of the spec that
    ``namespace`` has under its name. ``jvp`` and ``compile`` are for laws of later levels. Raises SpecError,
    in one line, for what is none of this.
    """
    claimed, kinds = require_claims(HELPER, name, version, levels, dtypes)
    require_callable(HELPER, array=array, numpy=numpy, vjp=vjp)
    for key, optional in (("jvp", jvp), ("compile", compile)):
        if optional is not None:
            require_callable(HELPER, **{key: optional})
    functions = _functions(primitives, namespace)

    def pull(
        function: EngineFunction, primals: tuple[Array, ...], cotangents: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        values = tuple(array(primal) for primal in primals)
        given = tuple(array(cotangent) for cotangent in cotangents)
        if len(cotangents) == 1:
            output, gradients = vjp(lambda *inputs: function(*inputs)[0], values, given[0])
            outputs: tuple[Any, ...] = (output,)
        else:
            outputs, gradients = vjp(function, values, given)
        pulled = tuple(None if gradient is None else to_numpy(gradient) for gradient in _paired(gradients, primals))
        return tuple(to_numpy(output) for output in outputs), pulled

    def to_numpy(value: EngineValue) -> Array:
        return np.asarray(numpy(value))

    def forward(function: EngineFunction, primals: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(to_numpy(output) for output in function(*(array(primal) for primal in primals)))

    return Target(
        name=name,
        version=version,
        levels=claimed,
        dtypes=kinds,
        primitives=functions,
        vjp=pull,
        forward=forward,
        constant=array,
        composed=composed,
        flushes_subnormals=flushes_subnormals,
    )


def _functions(primitives: Mapping[str, EngineFunction] | None, namespace: Any) -> dict[str, EngineFunction]:
    if primitives is None and namespace is None:
        cure = 'Write primitives={"add": …}, or namespace= a module with the names of the Python array API.'
        raise SpecError(HELPER, "primitives=None and namespace=None", "at least one of the two", cure)
    found: dict[str, EngineFunction] = {}
    if namespace is not None:
        names = load_primitives()
        found = {name: getattr(namespace, name) for name in names if callable(getattr(namespace, name, None))}
        if not found:
            raise SpecError(HELPER, f"namespace={namespace!r}", "a module with primitives of the spec", near("", names))
        found.setdefault("getitem", operator.getitem)
    return require_primitives(HELPER, {**found, **({} if primitives is None else primitives)})


def _paired(gradients: Any, primals: tuple[Array, ...]) -> tuple[Any, ...]:
    """Return one gradient a primal; raise SpecError where the adapter's vjp gave another number of them."""
    found = tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)
    if len(found) != len(primals):
        expected = f"{len(primals)}, one for each primal"
        raise SpecError(f"{HELPER}, vjp", f"{len(found)} gradients", expected, "Return (output, gradients).")
    return found
