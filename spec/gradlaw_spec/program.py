"""The noun Program: a Wengert list, the notes' staged computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradlaw_spec.attributes import AttributeValue
from gradlaw_spec.errors import SpecError
from gradlaw_spec.loader import load_primitives

Reference = str | int | float
"""An operand of a step: the name of an input or an earlier step, or a Python scalar."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a program: ``name = primitive(*operands, **attributes)``.

    Attributes that are not given have their page's defaults. Raises SpecError where one that has none is missing.
    """

    name: str
    primitive: str
    operands: tuple[Reference, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        page = load_primitives().get(self.primitive)
        if page is not None and page.attributes:
            object.__setattr__(self, "attributes", page.complete(self.attributes))


@dataclass(frozen=True, slots=True)
class Program:
    """A straight-line program: differentiated inputs, data that is not, steps, outputs.

    Every name is defined once and before its use. Raises SpecError otherwise.
    Source: R. E. Wengert, A simple automatic derivative evaluation program, CACM 7 (1964).
    """

    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    data: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known: set[str] = set()
        for name in (*self.inputs, *self.data):
            _define(name, known, "program.inputs")
        for position, step in enumerate(self.steps):
            where = f"program.steps[{position}]"
            for operand in step.operands:
                if isinstance(operand, str) and operand not in known:
                    raise SpecError(where, f"operand={operand!r}", "a name defined before", "Define it first.")
            _define(step.name, known, where)
        for name in self.outputs:
            if name not in known:
                raise SpecError("program.outputs", f"name={name!r}", "a defined name", "Name an input or a step.")

    @property
    def primitives(self) -> frozenset[str]:
        """The names of the primitives that the steps use."""
        return frozenset(step.primitive for step in self.steps)


def _define(name: str, known: set[str], where: str) -> None:
    if not name.isidentifier():
        raise SpecError(where, f"name={name!r}", "a Python identifier", "Rename it.")
    if name in known:
        raise SpecError(where, f"name={name!r}", "a name defined once", "Rename one of the two.")
    known.add(name)
