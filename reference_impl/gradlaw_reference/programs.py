"""Programs run by the engine: forward, and with the admissible sets of their gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gradlaw_reference.arithmetic import Arithmetic, Ball, Data, rounding, using
from gradlaw_reference.engine import Array, Pullback, apply, as_array, in_dtype, vjp
from gradlaw_spec import Program, Step, by_results, interpret


def apply_step(step: Step, values: Mapping[str, Any]) -> tuple[Array, ...]:
    """Compute the results of one step of a program, from the values of the names before it."""
    names = tuple(dict.fromkeys(operand for operand in step.operands if isinstance(operand, str)))
    known = run(Program(names, (step,), step.results), values)
    return tuple(known[name] for name in step.results)


def run(program: Program, values: Mapping[str, Any]) -> dict[str, Array]:
    """Compute every name of a program in the current arithmetic; arrays and Arrays are taken.

    Several results of one step are functions of the same operands, each with gradients of its own.
    """
    program = by_results(program)
    known = {name: as_array(values[name]) for name in (*program.inputs, *program.data)}
    return interpret(program, known, lambda step, operands: apply(step.primitive, operands, step.attributes))


def evaluate(program: Program, values: Mapping[str, Any]) -> dict[str, Data]:
    """Compute every name of a program in the current arithmetic, as plain data."""
    return {name: value.data for name, value in run(program, values).items()}


def program_vjp(program: Program, values: Mapping[str, Any]) -> tuple[tuple[Array, ...], Pullback, dict[str, Array]]:
    """Run a program on a tape; return its outputs, the pullback to its inputs, and every name's value.

    The pullback takes one tuple with a cotangent for each output.
    """
    known: dict[str, Array] = {}

    def function(*inputs: Array) -> tuple[Array, ...]:
        known.update(run(program, {**values, **dict(zip(program.inputs, inputs, strict=True))}))
        return tuple(known[name] for name in program.outputs)

    outputs, pullback = vjp(function, *(values[name] for name in program.inputs))
    return outputs, pullback, known


def second_vjp(
    program: Program, values: Mapping[str, Any], cotangents: tuple[Array, ...]
) -> tuple[tuple[Array, ...], Pullback]:
    """Pull cotangents back through a program, on a tape; return the gradients, and the pullback of that pullback.

    It takes one tuple with a direction for each gradient, and returns what they give each input, then each cotangent.
    """
    inputs = tuple(values[name] for name in program.inputs)

    def gradients(*variables: Array) -> tuple[Array, ...]:
        given = dict(zip(program.inputs, variables, strict=False))
        _, pullback, _ = program_vjp(program, {**values, **given})
        return pullback(variables[len(inputs) :])

    return vjp(gradients, *inputs, *cotangents)


@dataclass(frozen=True, slots=True)
class Enclosures:
    """Certified sets of a program at a point, as object arrays of ``flint.arb``.

    ``outputs`` and ``gradients`` hold one array an output and an input; ``steps`` one for each name. A nan
    ball is the set of everything, inf and nan included.
    """

    outputs: tuple[Data, ...]
    gradients: tuple[Data, ...]
    steps: dict[str, Data]


@dataclass(frozen=True, slots=True)
class Certified:
    """A program run once in ball arithmetic, ready for the admissible gradients of any cotangents."""

    outputs: tuple[Data, ...]
    steps: dict[str, Data]
    pullback: Pullback
    arithmetic: Arithmetic

    def gradients(self, cotangents: tuple[Any, ...]) -> tuple[Data, ...]:
        """Return the admissible set of each input's gradient for one cotangent an output."""
        with using(self.arithmetic):
            return tuple(gradient.data for gradient in self.pullback(tuple(cotangents)))


def certify(
    program: Program,
    values: Mapping[str, Any],
    *,
    dtype: str | None,
    dtypes: Mapping[str, str] = MappingProxyType({}),
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
    precision: int = 128,
    overflows: bool = True,
) -> Certified:
    """Run a program under the rounding model of a dtype (None: exact balls at that precision, in bits).

    Values are NumPy arrays, taken exactly, and start in that dtype, but for those that ``dtypes`` names; each step is
    rounded as the dtypes of its operands say. ``accuracies`` has the k of primitives at which an implementation
    declares itself worse than their pages ask. Without ``overflows`` the dtype has no largest number, for balls beyond
    it, as limits need. Source: spec chapter *admissible-sets*.
    """
    ball = _arithmetic(dtype, flushes_subnormals, accuracies, precision, overflows)
    with using(ball):
        outputs, pullback, known = program_vjp(program, _started(values, dtypes))
        return Certified(
            tuple(output.data for output in outputs), {name: item.data for name, item in known.items()}, pullback, ball
        )


def certify_pullback(
    program: Program,
    values: Mapping[str, Any],
    cotangents: tuple[Data, ...],
    *,
    dtype: str | None,
    dtypes: Mapping[str, str] = MappingProxyType({}),
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
    precision: int = 128,
) -> Certified:
    """Pull cotangents back through a program as `certify` does; its outputs are the gradients.

    Its own gradients, for one direction a gradient, are those with respect to each input, then to each cotangent.
    Cotangents are NumPy arrays, each in the dtype of its output. Source: spec chapter *admissible-sets*.
    """
    ball = _arithmetic(dtype, flushes_subnormals, accuracies, precision)
    with using(ball):
        given = tuple(in_dtype(cotangent, cotangent.dtype.name if dtype else None) for cotangent in cotangents)
        gradients, pullback = second_vjp(program, _started(values, dtypes), given)
        return Certified(tuple(gradient.data for gradient in gradients), {}, pullback, ball)


def _arithmetic(
    dtype: str | None,
    flushes_subnormals: bool,
    accuracies: Mapping[str, int],
    precision: int,
    overflows: bool = True,
) -> Arithmetic:
    """Return the rounding model of a dtype, or exact balls."""
    if dtype is None:
        return Ball(precision=precision)
    return rounding(
        dtype,
        flushes_subnormals=flushes_subnormals,
        accuracies=accuracies,
        precision=precision,
        overflows=overflows,
    )


def _started(values: Mapping[str, Any], dtypes: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a program, those in a dtype of their own as Arrays of it."""
    return {**values, **{name: in_dtype(values[name], dtypes[name]) for name in dtypes}}


def admissible(
    program: Program,
    values: Mapping[str, Any],
    cotangents: tuple[Any, ...],
    *,
    dtype: str | None,
    dtypes: Mapping[str, str] = MappingProxyType({}),
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
    precision: int = 128,
) -> Enclosures:
    """Return the sets of outputs and gradients that a correct implementation in a dtype may return.

    ``cotangents`` has one array for each output; see `certify`, which shares the forward run between
    several cotangents.
    """
    run_once = certify(
        program,
        values,
        dtype=dtype,
        dtypes=dtypes,
        flushes_subnormals=flushes_subnormals,
        accuracies=accuracies,
        precision=precision,
    )
    return Enclosures(run_once.outputs, run_once.gradients(cotangents), run_once.steps)
