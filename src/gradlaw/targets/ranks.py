"""Engines whose arrays have a least number of axes: the logical shapes are kept here, beside the engine.

Operands get axes of length 1 in front, and what comes back gets the shape that the program says. A step that goes along
axes would go along others there, so a program in which one meets a value of fewer axes is not given to the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from gradlaw_reference import FLOAT64, evaluate, using
from gradlaw_spec import Array, Program, Target, Unsupported, load_primitives
from gradlaw_spec.target import Arrays, Gradients, Pull, Start, Values, Walked

Shapes = tuple[tuple[int, ...], ...]


def of_rank(target: Target, least: int) -> Target:
    """Return a target that is given arrays of at least so many axes, and is judged by the program's own shapes.

    Raises Unsupported, when it runs, for a program in which a step that is not elementwise takes a value of fewer axes.
    """
    inner_walks, inner_overwritten = target.walks, target.overwritten

    def run(program: Program, values: Values) -> Arrays:
        shapes = _output_shapes(program, values, least)
        return _shaped(target.run(program, _padded(program, values, least)), shapes)

    def pullback(program: Program, values: Values, keep: list[object] | None = None) -> tuple[Arrays, Pull]:
        shapes = _output_shapes(program, values, least)
        outputs, engine_pull = target.pullback(program, _padded(program, values, least), keep)

        def pull(cotangents: Arrays) -> Gradients:
            given = _shaped(cotangents, (output.shape for output in outputs))
            return _gradients(engine_pull(given), program, values)

        return _shaped(outputs, shapes), pull

    def walks(program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        assert inner_walks is not None
        _output_shapes(program, values, least)
        padded = _padded(program, values, least)
        physical = tuple(output.shape for output in target.run(program, padded))
        given = tuple(None if start is None else _start(start, physical) for start in starts)
        walked = inner_walks(program, padded, given, anew=anew)
        return replace(walked, gradients=tuple(_gradients(one, program, values) for one in walked.gradients))

    def overwritten(program: Program, values: Values, others: Values, cotangents: Arrays) -> Gradients:
        assert inner_overwritten is not None
        _output_shapes(program, values, least)
        padded = _padded(program, values, least)
        given = _shaped(cotangents, (output.shape for output in target.run(program, padded)))
        found = inner_overwritten(program, padded, _padded(program, others, least), given)
        return _gradients(found, program, values)

    return replace(
        target,
        run=run,
        pullback=pullback,
        walks=None if inner_walks is None else walks,
        overwritten=None if inner_overwritten is None else overwritten,
    )


def _output_shapes(program: Program, values: Values, least: int) -> Shapes:
    """Return the shapes of a program's outputs; raise Unsupported where its steps need the axes that are missing."""
    pages = load_primitives()
    with using(FLOAT64), np.errstate(all="ignore"):
        shapes = {name: value.shape for name, value in evaluate(program, values).items()}
    made_along_axes = set[str]()
    for step in program.steps:
        low = [item for item in step.operands if isinstance(item, str) and len(shapes[item]) < least]
        elementwise = pages[step.primitive].shapes == "elementwise"
        # Where the engine leaves the length that a step along axes has kept is not known, unless it is 1.
        unknown = [item for item in low if item in made_along_axes and math.prod(shapes[item]) != 1]
        if unknown or (low and not elementwise):
            axes = len(shapes[(unknown or low)[0]])
            raise Unsupported(f"minimum_rank={least}: {step.primitive} of a value with {axes} axes")
        if not elementwise or made_along_axes.intersection(low):
            made_along_axes.update(step.results)
    return tuple(shapes[name] for name in program.outputs)


def _padded(program: Program, values: Values, least: int) -> dict[str, Array]:
    """Put axes of length 1 in front of values that have too few; an index keeps its own."""
    pages = load_primitives()
    along = {item for step in program.steps if pages[step.primitive].shapes != "elementwise" for item in step.operands}
    kept = along.intersection(program.data)
    return {
        name: value if name in kept else value.reshape((1,) * max(0, least - value.ndim) + value.shape)
        for name, value in values.items()
    }


def _shaped(arrays: Iterable[Array], shapes: Iterable[tuple[int, ...]]) -> Arrays:
    """Give arrays these shapes where nothing but axes of length 1 is in between; what else they have is a finding."""
    pairs = zip(arrays, shapes, strict=True)
    return tuple(array.reshape(shape) if _long(array.shape) == _long(shape) else array for array, shape in pairs)


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _start(start: tuple[Array | None, ...], physical: Shapes) -> Start:
    pairs = zip(start, physical, strict=True)
    return tuple(None if one is None else _shaped((one,), (shape,))[0] for one, shape in pairs)


def _gradients(gradients: Gradients, program: Program, values: Values) -> Gradients:
    pairs = zip(gradients, program.inputs, strict=True)
    return tuple(None if one is None else _shaped((one,), (values[name].shape,))[0] for one, name in pairs)
