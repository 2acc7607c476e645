"""Functional engines: a function goes in, outputs and gradients come out."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from gradlaw.messages import near
from gradlaw.targets.claims import require_callable, require_claims, require_primitives
from gradlaw.targets.handed import AdapterError, Handed
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
    vjp: Callable[..., tuple[Any, Any]] | None = None,
    pullback: Callable[..., tuple[Any, Callable[[Any], Any]]] | None = None,
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
    tuple of cotangents. ``pullback(function, primals)`` returns the output and a function from a cotangent to
    the gradients, which is called with several; it stands for ``vjp``, or saves time beside it. The primitives
    are those in ``primitives``, and every one of the spec that ``namespace`` has under its name. ``jvp`` and
    ``compile`` are for laws of later levels. Raises SpecError, in one line, for what is none of this.
    """
    claimed, kinds = require_claims(HELPER, name, version, levels, dtypes)
    require_callable(HELPER, array=array, numpy=numpy, **({} if vjp is None and pullback is not None else {"vjp": vjp}))
    for key, optional in (("pullback", pullback), ("jvp", jvp), ("compile", compile)):
        if optional is not None:
            require_callable(HELPER, **{key: optional})
    functions = _functions(primitives, namespace)
    handed = Handed(sys._getframe(1).f_code.co_filename, (vjp, pullback, array, numpy))

    def record(
        function: EngineFunction, primals: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], Callable[[tuple[Array, ...]], tuple[Array | None, ...]]]:
        assert pullback is not None
        values = tuple(array(primal) for primal in primals)
        output, engine_pull = pullback(_unpacking(function), values)

        def pull(cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
            given = tuple(array(cotangent) for cotangent in cotangents)
            return pulled(engine_pull(_packed(given)), primals)

        return outputs_of(output), handed.guard_pull(pull)

    def whole(
        function: EngineFunction, primals: tuple[Array, ...], cotangents: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        if vjp is None:
            outputs, pull = record(function, primals)
            return outputs, pull(cotangents)
        values = tuple(array(primal) for primal in primals)
        given = tuple(array(cotangent) for cotangent in cotangents)
        output, gradients = vjp(_unpacking(function), values, _packed(given))
        return outputs_of(output), pulled(gradients, primals)

    def pulled(gradients: Any, primals: tuple[Array, ...]) -> tuple[Array | None, ...]:
        return tuple(None if gradient is None else to_numpy(gradient) for gradient in _paired(gradients, primals))

    def outputs_of(output: Any) -> tuple[Array, ...]:
        return tuple(to_numpy(one) for one in (output if isinstance(output, tuple) else (output,)))

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
        vjp=handed.guard(whole),
        pullback=None if pullback is None else handed.guard(record),
        forward=handed.guard(forward),
        constant=array,
        composed=composed,
        flushes_subnormals=flushes_subnormals,
    )


def _packed(given: tuple[EngineValue, ...]) -> EngineValue:
    """Return cotangents as engines know them: a single one is not in a tuple."""
    return given[0] if len(given) == 1 else given


def _unpacking(function: EngineFunction) -> EngineFunction:
    """Return a program's function as engines know it: a single output is not in a tuple."""

    def call(*inputs: EngineValue) -> Any:
        outputs = function(*inputs)
        return outputs[0] if len(outputs) == 1 else outputs

    return call


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
    """Return one gradient a primal; raise AdapterError where the adapter's vjp gave another number of them."""
    found = tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)
    if len(found) != len(primals):
        expected = f"{len(primals)}, one for each primal"
        told = f"{HELPER}, vjp: found {len(found)} gradients; expected {expected}. Return (output, gradients)."
        raise AdapterError(f"adapter error: {told}")
    return found
