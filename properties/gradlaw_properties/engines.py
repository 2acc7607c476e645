"""The reference as a target: plain floating point in any dtype, and the base of every mutant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

import gradlaw_reference as reference
from gradlaw_reference import FLOAT64, Tape, using
from gradlaw_spec import (
    DTYPES,
    SPEC_VERSION,
    Array,
    Program,
    Pull,
    Pullback,
    Target,
    load_primitives,
    program_function,
)
from gradlaw_spec.target import ForwardMode, Overwritten, Run, SecondOrder, Walks, walks_of

PRIMITIVES: Final = {name: getattr(reference, name) for name in load_primitives()}


def typed(array: Array) -> Any:
    """Return real numbers as a value of the engine in their own dtype; conditions and indices as they are."""
    return reference.in_dtype(array, array.dtype.name) if array.dtype.name in DTYPES else array


def primals_of(program: Program, values: Mapping[str, Array]) -> tuple[Array, ...]:
    """Return the values of a program's inputs."""
    return tuple(values[name] for name in program.inputs)


def pullback_of(tape: Callable[[], Tape] = Tape) -> Pullback:
    """Return the pullback of the reference engine, or of one that differs by its tape."""

    def pullback(
        program: Program, values: Mapping[str, Array], keep: list[Any] | None = None
    ) -> tuple[tuple[Array, ...], Pull]:
        primals = primals_of(program, values)
        function = program_function(program, values, PRIMITIVES, typed, keep)
        with using(FLOAT64):
            outputs, engine_pull = reference.vjp(function, *map(typed, primals), tape=tape())

        def pull(cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
            with using(FLOAT64):
                return tuple(gradient.data for gradient in engine_pull(tuple(cotangents)))

        return tuple(output.data for output in outputs), pull

    return pullback


def run(program: Program, values: Mapping[str, Array]) -> tuple[Array, ...]:
    """Run a program without differentiation."""
    primals = primals_of(program, values)
    function = program_function(program, values, PRIMITIVES, typed)
    with using(FLOAT64):
        return tuple(output.data for output in function(*map(typed, primals)))


def second_order_of(tape: Callable[[], Tape] = Tape, inner: Callable[[], Tape] = Tape) -> SecondOrder:
    """Return the second order of the reference engine, or of one that differs by a tape.

    The inner tape is that of the pullback, the outer one differentiates it.
    """

    def second_order(
        program: Program, values: Mapping[str, Array], cotangents: tuple[Array, ...], directions: tuple[Array, ...]
    ) -> tuple[Array | None, ...]:
        inputs, given = tuple(map(typed, primals_of(program, values))), tuple(map(typed, cotangents))
        function = program_function(program, values, PRIMITIVES, typed)

        def gradients(*variables: Any) -> Any:
            pull = reference.vjp(function, *variables[: len(inputs)], tape=inner())[1]
            return pull(variables[len(inputs) :])

        with using(FLOAT64):
            pull = reference.vjp(gradients, *inputs, *given, tape=tape())[1]
            return tuple(gradient.data for gradient in pull(tuple(map(typed, directions))))

    return second_order


def forward_mode_of(second_order: SecondOrder) -> ForwardMode:
    """Return the forward mode of an engine that differentiates its pullbacks.

    A pullback is linear in its cotangent, and what it is linear by is the derivative of the program.
    """

    def jvp(program: Program, values: Mapping[str, Array], tangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
        cotangents = tuple(map(np.ones_like, run(program, values)))
        return second_order(program, values, cotangents, tangents)[len(program.inputs) :]

    return jvp


def overwritten_of(pullback: Pullback) -> Overwritten:
    """Return what overwrites the arrays that a program was run on, then pulls back."""

    def overwritten(
        program: Program, values: Mapping[str, Array], others: Mapping[str, Array], cotangents: tuple[Array, ...]
    ) -> tuple[Array | None, ...]:
        held = {name: value.copy() for name, value in values.items()}
        _, pull = pullback(program, held)
        for name in program.inputs:
            held[name][...] = others[name]
        return pull(cotangents)

    return overwritten


def reference_target(
    name: str = "reference",
    *,
    tape: Callable[[], Tape] = Tape,
    pullback: Pullback | None = None,
    plain: Run = run,
    walks: Walks | None = None,
    overwritten: Overwritten | None = None,
    second_order: SecondOrder | None = None,
    jvp: ForwardMode | None = None,
) -> Target:
    """Return the reference implementation as a target; a tape or pullback of its own makes it a mutant."""
    chosen = pullback or pullback_of(tape)
    return Target(
        name=name,
        version=SPEC_VERSION,
        levels=("scalar", "array", "nn", "linalg", "low-precision"),
        dtypes=tuple(DTYPES),
        primitives=frozenset(PRIMITIVES),
        run=plain,
        pullback=chosen,
        walks=walks or walks_of(chosen),
        starts_alone=True,
        overwritten=overwritten or overwritten_of(chosen),
        second_order=second_order or second_order_of(inner=tape),
        jvp=jvp or forward_mode_of(second_order_of()),
    )
