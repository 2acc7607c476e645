"""The formulas of a gradient as programs: the rule itself, run once on names, and its alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from gradlaw_reference.arithmetic import FLOAT64, Data, Float, using
from gradlaw_reference.engine import Array, Tape
from gradlaw_reference.operators import NOTHING
from gradlaw_reference.rule import LocalRule, Rule
from gradlaw_spec import Function, Primitive, Program, Reference, Step, load_pages

PROBE: Final = 0.5
"""What stands for every value while a rule is written down."""


class _Made(np.ndarray[Any, Any]):
    """A number that is made of numbers alone, such as ``log(2)``, and remembers how."""

    step: tuple[str, tuple[Any, ...]]


class _Remembering(Float):
    """Plain floating point in which what is computed of numbers alone remembers its step."""

    def elementary(self, name: str, *operands: Data) -> Data:
        result = super().elementary(name, *operands).view(_Made)
        result.step = (name, operands)
        return result


class _Writer(Tape):
    """A tape that writes each step down."""

    __slots__ = ("names", "steps")

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.steps: list[Step] = []

    def named(self, name: str) -> Array:
        """Return a value that is on this tape under a name."""
        self.names.append(name)
        return self.variable(Array(FLOAT64.constant(PROBE)))

    def record(self, rule: Rule, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Array:
        """Note a step under the next number."""
        return self.named(self.note(rule.name, operands, attributes))

    def note(self, primitive: str, operands: tuple[Any, ...], attributes: Mapping[str, Any] = NOTHING) -> str:
        """Write a step down behind those that its operands are made by, and return its name."""
        references = tuple(map(self.reference, operands))
        name = f"t{len(self.steps) + 1}"
        self.steps.append(Step((name,), primitive, references, attributes))
        return name

    def reference(self, operand: Any) -> Reference:
        """Return the name of a value on this tape, or the number that it is."""
        if isinstance(operand, Array):
            return self.names[operand.node] if operand.tape is self else self.reference(operand.content)
        if isinstance(operand, _Made):
            return self.note(*operand.step)
        return operand if isinstance(operand, int | float) else float(operand.item())


def smooth(page: Function | None) -> bool:
    """Whether a primitive is computed element by element, of numbers alone, without a kink but a corner."""
    return (
        isinstance(page, Primitive)
        and page.shapes == "elementwise"
        and all(kink.corner for kink in page.kinks)
        and not page.attributes
        and all(operand.kind == "real" for operand in page.operands)
    )


def written(rule: Rule, position: int) -> tuple[Program, ...]:
    """Return the rule of an operand's gradient and its alternatives as programs of cotangent, value and operands.

    There are none where one of them is not smooth and elementwise, so that it is no function of single numbers, and
    none of a composition, whose steps have other formulas each.
    """
    page = load_pages()[rule.name]
    if rule.composed or not smooth(page):
        return ()
    names = ("g", "value", *(operand.name for operand in page.operands))
    alternatives = rule.alternatives[position] if rule.alternatives else ()
    programs = tuple(_as_program(formula, names) for formula in (rule.vjp[position], *alternatives))
    found = tuple(program for program in programs if program is not None and _is_smooth(program))
    return found if len(found) == len(programs) else ()


def _is_smooth(program: Program) -> bool:
    return all(smooth(load_pages().get(name)) for name in program.primitives)


def _as_program(formula: LocalRule, names: tuple[str, ...]) -> Program | None:
    """Write a formula down as a program of these names; None where it is a constant."""
    writer = _Writer()
    with using(_Remembering()):
        output = writer.reference(formula(*map(writer.named, names)))
    return Program(names, tuple(writer.steps), (output,)) if isinstance(output, str) else None
