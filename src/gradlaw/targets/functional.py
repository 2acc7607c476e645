"""Functional engines: a function goes in, outputs and gradients come out."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from gradlaw.messages import near
from gradlaw.targets.claims import require_accuracies, require_callable, require_claims, require_primitives
from gradlaw.targets.handed import RAW, AdapterError, Handed
from gradlaw.targets.record import is_data
from gradlaw_spec import (
    Array,
    EngineFunction,
    EngineValue,
    Program,
    Pull,
    SpecError,
    Target,
    Unsupported,
    load_primitives,
    program_function,
)
from gradlaw_spec.target import Arrays, Gradients, Values, walks_of
from gradlaw_spec.text import error_text

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
    batched_vjp: Callable[..., Any] | None = None,
    overwrite: Callable[[EngineValue, EngineValue], Any] | None = None,
    differentiates_pullbacks: bool = False,
    primitives: Mapping[str, EngineFunction] | None = None,
    namespace: Any = None,
    data: Callable[[Array], EngineValue] | None = None,
    scalar: bool = False,
    composed: bool = True,
    deterministic: bool = True,
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
) -> Target:
    """Make a target of an engine that differentiates functions.

    ``array`` makes an engine value of a NumPy array and ``numpy`` a NumPy array of an engine value, of the
    same dtype; with ``scalar``, both know Python floats alone, and every program is 0-d. ``data`` makes an engine
    value of booleans or integers, as ``where`` and ``take`` have them (None: ``array`` does).
    ``vjp(function, primals, cotangent)`` returns the output and one gradient a primal (None: the
    engine has none), all of them engine values; a function with several outputs returns a tuple and gets a
    tuple of cotangents. ``pullback(function, primals)`` returns the output and a function from a cotangent to
    the gradients, which is called with several; it stands for ``vjp``, and is quicker. The primitives
    are those in ``primitives``, and every one of the spec that ``namespace`` has under its name.
    ``jvp(function, primals, tangents)`` returns the output and its tangent, for an engine with a forward mode.
    ``compile(function)`` returns the function as the engine's own compiler makes it, for the law `compiled`.
    ``batched_vjp(function, primals, cotangent)`` returns the gradients of a whole batch, for the law `batching`:
    primals and cotangent have a first axis more, one place a case, and the function is that of one case.
    ``overwrite(value, other)`` writes the numbers of one engine value into the buffer of another, for an engine with
    ``pullback`` whose values can be written to. ``differentiates_pullbacks=True`` declares that ``pullback`` can be
    called inside a function that is itself pulled back, for gradients of gradients. ``deterministic=False`` declares
    that sums are added in no fixed order, so that bits differ from call to call. ``accuracies`` declares the k of
    primitives at which the engine is less accurate than their pages ask (``{"tanh": 8}``: 8 unit roundoffs); reports
    list them. Raises SpecError, in one line, for what is none of this.
    """
    claimed, kinds = require_claims(HELPER, name, version, levels, dtypes)
    require_callable(HELPER, array=array, numpy=numpy, **({} if vjp is None and pullback is not None else {"vjp": vjp}))
    optional = {
        "data": data,
        "pullback": pullback,
        "jvp": jvp,
        "compile": compile,
        "batched_vjp": batched_vjp,
        "overwrite": overwrite,
    }
    require_callable(HELPER, **{key: given for key, given in optional.items() if given is not None})
    if differentiates_pullbacks and pullback is None:
        cure = "Give pullback=, or leave the keyword out."
        raise SpecError(HELPER, "differentiates_pullbacks=True", "a pullback to differentiate", cure)
    functions = _functions(primitives, namespace)
    handed = Handed(sys._getframe(1).f_code.co_filename, (vjp, array, numpy, *optional.values()))

    engine = _Engine(_of_numbers(array) if scalar else array, numpy, vjp, pullback, jvp, batched_vjp, overwrite)
    record, forward = handed.guard_pullback(engine.record), handed.guard(engine.forward)
    rewritten, twice = handed.guard(engine.overwritten), handed.guard(engine.twice)
    push, batch = handed.guard(engine.push), handed.guard(engine.batch)

    def primals_of(program: Program, values: Values) -> Arrays:
        return tuple(values[name] for name in program.inputs)

    def function_of(program: Program, values: Values, keep: list[Any] | None = None) -> EngineFunction:
        return program_function(program, values, functions, constant, keep)

    def constant(value: Array) -> EngineValue:
        return data(value) if data is not None and is_data(value) else engine.array(value)

    def recorded(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        outputs, pull = record(function_of(program, values, keep), primals_of(program, values))
        return outputs, pull

    def compiled(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        assert compile is not None
        function = compile(_unpacking(function_of(program, values, keep)))
        outputs, pull = record(_packing(function), primals_of(program, values))
        return outputs, pull

    def batched(program: Program, values: Values, cotangents: Arrays) -> Gradients:
        return batch(function_of(program, values), primals_of(program, values), cotangents)  # type: ignore[no-any-return]

    def overwritten(program: Program, values: Values, others: Values, cotangents: Arrays) -> Gradients:
        function = function_of(program, values)
        return rewritten(function, primals_of(program, values), primals_of(program, others), cotangents)  # type: ignore[no-any-return]

    def second_order(program: Program, values: Values, cotangents: Arrays, directions: Arrays) -> Gradients:
        function = function_of(program, values)
        return twice(function, primals_of(program, values), cotangents, directions)  # type: ignore[no-any-return]

    def forward_mode(program: Program, values: Values, tangents: Arrays) -> Gradients:
        function, primals = function_of(program, values), primals_of(program, values)
        return push(function, primals, tangents, len(program.outputs))  # type: ignore[no-any-return]

    return Target(
        name=name,
        version=version,
        levels=claimed,
        dtypes=kinds,
        primitives=frozenset(functions),
        run=lambda program, values: forward(function_of(program, values), primals_of(program, values)),
        pullback=recorded,
        walks=None if pullback is None else walks_of(recorded),
        accumulates=False,
        overwritten=None if pullback is None or overwrite is None else overwritten,
        second_order=second_order if differentiates_pullbacks else None,
        jvp=None if jvp is None else forward_mode,
        compiled=None if compile is None else compiled,
        batched=None if batched_vjp is None else batched,
        scalar=scalar,
        composed=composed,
        deterministic=deterministic,
        flushes_subnormals=flushes_subnormals,
        accuracies=require_accuracies(HELPER, accuracies),
    )


@dataclass(frozen=True, slots=True)
class _Engine:
    """The functions of a functional engine, and how a pullback is made of them."""

    array: Callable[[Array], EngineValue]
    numpy: Callable[[EngineValue], Any]
    vjp: Callable[..., tuple[Any, Any]] | None
    pullback: Callable[..., tuple[Any, Callable[[Any], Any]]] | None
    jvp: Callable[..., Any] | None
    batched_vjp: Callable[..., Any] | None
    overwrite: Callable[[EngineValue, EngineValue], Any] | None

    def forward(self, function: EngineFunction, primals: Arrays) -> Arrays:
        """Run a function of engine values."""
        return tuple(self.to_numpy(output) for output in function(*map(self.array, primals)))

    def record(self, function: EngineFunction, primals: Arrays) -> tuple[Arrays, Pull]:
        """Return the outputs, and what pulls back: the engine's own pullback, else its vjp, called for each."""
        function = self.watched(function, primals)
        if self.pullback is None:
            return self.record_by_vjp(function, primals)
        output, engine_pull = self.pullback(_unpacking(function), tuple(map(self.array, primals)))

        def pull(cotangents: Arrays) -> Gradients:
            return self.gradients(engine_pull(_packed(tuple(map(self.array, cotangents)))), primals)

        return self.outputs(output), pull

    def overwritten(self, function: EngineFunction, primals: Arrays, others: Arrays, cotangents: Arrays) -> Gradients:
        """Run, write other numbers where the inputs were, and pull back."""
        assert self.pullback is not None
        assert self.overwrite is not None
        held = tuple(self.array(primal.copy()) for primal in primals)
        _, engine_pull = self.pullback(_unpacking(function), held)
        for value, other in zip(held, others, strict=True):
            self.overwrite(value, self.array(other))
        return self.gradients(engine_pull(_packed(tuple(map(self.array, cotangents)))), primals)

    def twice(self, function: EngineFunction, primals: Arrays, cotangents: Arrays, directions: Arrays) -> Gradients:
        """Pull back through the pullback: what each primal gets, then each cotangent."""
        assert self.pullback is not None
        pullback, count = self.pullback, len(primals)

        def gradients(*variables: EngineValue) -> Any:
            _, pull = pullback(_unpacking(function), variables[:count])
            found = _paired(pull(_packed(variables[count:])), primals)
            known = (
                self.array(np.zeros_like(primal)) if gradient is None else gradient
                for gradient, primal in zip(found, primals, strict=True)
            )
            return _packed(tuple(known))

        given = (*primals, *cotangents)
        _, pull = pullback(gradients, tuple(map(self.array, given)))
        return self.gradients(pull(_packed(tuple(map(self.array, directions)))), given)

    def push(self, function: EngineFunction, primals: Arrays, tangents: Arrays, outputs: int) -> Gradients:
        """Push tangents forward by the engine's own forward mode: one for each output comes back."""
        assert self.jvp is not None
        found = self.jvp(_unpacking(function), tuple(map(self.array, primals)), tuple(map(self.array, tangents)))
        if not (isinstance(found, tuple | list) and len(found) == 2):
            raise _told("jvp", f"{type(found).__name__}", "a pair", "Return (output, tangent).")
        pushed = found[1] if isinstance(found[1], tuple) else (found[1],)
        if len(pushed) != outputs:
            raise _told(
                "jvp", f"{len(pushed)} tangents", f"{outputs}, one for each output", "Return (outputs, tangents)."
            )
        return tuple(None if tangent is None else self.to_numpy(tangent) for tangent in pushed)

    def batch(self, function: EngineFunction, primals: Arrays, cotangents: Arrays) -> Gradients:
        """Pull back a whole batch at once: one gradient for each primal comes back."""
        assert self.batched_vjp is not None
        given = tuple(map(self.array, primals)), _packed(tuple(map(self.array, cotangents)))
        return self.gradients(self.batched_vjp(_unpacking(function), *given), primals)

    def watched(self, function: EngineFunction, primals: Arrays) -> EngineFunction:
        """Return a function that says Unsupported where it raises and the plain run computes with bare NumPy arrays.

        That run shows what NumPy can do, and not what the engine has: its own values meet the function only here.
        """
        if not all(isinstance(self.array(primal), RAW) for primal in primals):
            return function

        def call(*inputs: EngineValue) -> Any:
            try:
                return function(*inputs)
            except MemoryError:
                raise
            except Exception as error:
                raise Unsupported(error_text(error)) from error

        return call

    def record_by_vjp(self, function: EngineFunction, primals: Arrays) -> tuple[Arrays, Pull]:
        """Return the outputs of a vjp that starts from ones, and what calls the vjp again."""

        def call(primals: Arrays, cotangents: Arrays) -> tuple[Any, Any]:
            assert self.vjp is not None
            given = tuple(map(self.array, cotangents))
            return self.vjp(_unpacking(function), tuple(map(self.array, primals)), _packed(given))

        # A vjp takes no less than cotangents, whose shapes are those of the outputs; copies, since it may write.
        copies = tuple(map(np.copy, primals))
        output, _ = call(copies, tuple(map(np.ones_like, self.forward(function, copies))))
        return self.outputs(output), lambda cotangents: self.gradients(call(primals, cotangents)[1], primals)

    def outputs(self, output: Any) -> Arrays:
        return tuple(self.to_numpy(one) for one in (output if isinstance(output, tuple) else (output,)))

    def gradients(self, gradients: Any, primals: Arrays) -> Gradients:
        found = _paired(gradients, primals)
        return tuple(None if gradient is None else self.to_numpy(gradient) for gradient in found)

    def to_numpy(self, value: EngineValue) -> Array:
        return np.asarray(self.numpy(value))


def _of_numbers(array: Callable[[Any], EngineValue]) -> Callable[[Array], EngineValue]:
    """Return what makes an engine value of a 0-d array, for an engine of Python floats."""
    return lambda value: array(value.item())


def _packed(given: tuple[EngineValue, ...]) -> EngineValue:
    """Return cotangents as engines know them: a single one is not in a tuple."""
    return given[0] if len(given) == 1 else given


def _unpacking(function: EngineFunction) -> EngineFunction:
    """Return a program's function as engines know it: a single output is not in a tuple."""

    def call(*inputs: EngineValue) -> Any:
        outputs = function(*inputs)
        return outputs[0] if len(outputs) == 1 else outputs

    return call


def _packing(function: EngineFunction) -> EngineFunction:
    """Return an engine's function as a program's: a single output is in a tuple."""

    def call(*inputs: EngineValue) -> tuple[EngineValue, ...]:
        output = function(*inputs)
        return output if isinstance(output, tuple) else (output,)

    return call


def _functions(primitives: Mapping[str, EngineFunction] | None, namespace: Any) -> dict[str, EngineFunction]:
    if primitives is None and namespace is None:
        cure = 'Write primitives={"add": …}, or namespace= a module with the names of the Python array API.'
        raise SpecError(HELPER, "primitives=None and namespace=None", "at least one of the two", cure)
    if namespace is not None and not functions_of({}, namespace).keys() - {"getitem"}:
        cure = near("", load_primitives())
        raise SpecError(HELPER, f"namespace={namespace!r}", "a module with primitives of the law book", cure)
    if namespace is not None and (primitives is None or isinstance(primitives, Mapping)):
        primitives = functions_of(primitives or {}, namespace)
    return require_primitives(HELPER, primitives)


def functions_of(primitives: Mapping[str, EngineFunction], namespace: Any) -> dict[str, EngineFunction]:
    """Return the functions that a module has under names of the spec, with those of ``primitives`` in their place."""
    found = {name: getattr(namespace, name, None) for name in load_primitives()}
    named = {name: function for name, function in found.items() if callable(function)}
    return {"getitem": operator.getitem, **named, **primitives}


def _paired(gradients: Any, primals: tuple[Array, ...]) -> tuple[Any, ...]:
    """Return one gradient a primal; raise AdapterError where the adapter's vjp gave another number of them."""
    found = tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)
    if len(found) != len(primals):
        expected = f"{len(primals)}, one for each primal"
        raise _told("vjp", f"{len(found)} gradients", expected, "Return (output, gradients).")
    return found


def _told(key: str, found: str, expected: str, cure: str) -> AdapterError:
    """Return the error of a function of the adapter that returned something else than it should."""
    return AdapterError(f"adapter error: {HELPER}, {key}: found {found}; expected {expected}. {cure}")
