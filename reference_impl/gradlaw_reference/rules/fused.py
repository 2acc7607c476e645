"""A page's formulas of one gradient, joined into one pass over the elements for the rounding model.

The main formula and its alternatives share most of their steps; each step is computed once an element, and
the admissible set is the hull of what the formulas give.
"""

from __future__ import annotations

from collections.abc import Callable

from gradlaw_reference.arithmetic import Ball, Data
from gradlaw_spec import Primitive, Program, Reference, load_primitives, parse_formula

ELEMENTWISE = frozenset(
    (
        *("add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "reciprocal", "pow"),
        *("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sigmoid", "softplus"),
    )
)
"""The primitives that a fused formula may use: those without a kink."""
Step = tuple[str, int, tuple[int, ...]]


def fusible(page: Primitive, position: int) -> tuple[Program, ...]:
    """Return the formulas of an operand's gradient as programs, or none where one is not elementwise and smooth."""
    operand = page.operands[position]
    if page.shapes != "elementwise" or page.attributes or not operand.vjp:
        return ()
    names = ("g", "value", *(item.name for item in page.operands))
    programs = tuple(
        parse_formula(formula, names, load_primitives()) for formula in (operand.vjp, *operand.alternatives)
    )
    return programs if all(program.primitives <= ELEMENTWISE for program in programs) else ()


def _merged(programs: tuple[Program, ...]) -> tuple[tuple[Step, ...], tuple[float, ...], tuple[int, ...]]:
    """Join programs over the same inputs; equal steps become one."""
    pages = load_primitives()
    constants = tuple(
        dict.fromkeys(item for p in programs for step in p.steps for item in step.operands if not isinstance(item, str))
    )
    inputs = programs[0].inputs
    steps: dict[Step, int] = {}
    ends = []
    for program in programs:
        places: dict[Reference, int] = {name: place for place, name in enumerate(inputs)}
        places.update({number: len(inputs) + place for place, number in enumerate(constants)})
        for step in program.steps:
            key = (step.primitive, pages[step.primitive].accuracy, tuple(places[item] for item in step.operands))
            places[step.name] = steps.setdefault(key, len(inputs) + len(constants) + len(steps))
        ends.append(places[program.outputs[0]])
    return tuple(steps), constants, tuple(ends)


def fused(programs: tuple[Program, ...], ball: Ball) -> Callable[..., Data]:
    """Return the admissible set of a gradient as a function of cotangent, value and operands, element by element."""
    return ball.fused(len(programs[0].inputs), *_merged(programs))
