"""The noun Program: a Wengert list, the notes' staged computation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gradlaw_spec.attributes import AttributeValue
from gradlaw_spec.errors import SpecError
from gradlaw_spec.loader import load_pages
from gradlaw_spec.primitive import Primitive

Reference = str | int | float
"""An operand of a step: the name of an input or an earlier step, or a Python scalar."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a program: ``results = primitive(*operands, **attributes)``.

    Attributes that are not given have their page's defaults. Raises SpecError where one that has none is missing.
    """

    results: tuple[str, ...]
    primitive: str
    operands: tuple[Reference, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.results, str) or not self.results:
            cure = "Write a tuple, of one name for one result."
            raise SpecError("step", f"results={self.results!r}", "a tuple of names", cure)
        page = load_pages().get(self.primitive)
        if isinstance(page, Primitive) and len(self.results) != max(1, len(page.results)):
            expected = ", ".join(result.name for result in page.results) or "one result"
            raise SpecError(page.name, f"results={self.results!r}", expected, "Name each result of the step.")
        if page is not None and page.attributes:
            object.__setattr__(self, "attributes", page.complete(self.attributes))

    @property
    def name(self) -> str:
        """The name of its one result; raises SpecError where it has several."""
        if len(self.results) != 1:
            found = f"the results {', '.join(self.results)}"
            raise SpecError(self.primitive, found, "a step with one result", "Take a primitive that has one.")
        return self.results[0]


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
            for name in step.results:
                _define(name, known, where)
        for name in self.outputs:
            if name not in known:
                raise SpecError("program.outputs", f"name={name!r}", "a defined name", "Name an input or a step.")

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it defines: inputs, data, and the results of its steps."""
        return (*self.inputs, *self.data, *(name for step in self.steps for name in step.results))

    @property
    def primitives(self) -> frozenset[str]:
        """The names of the primitives that the steps use."""
        return frozenset(step.primitive for step in self.steps)


def interpret(
    program: Program, values: Mapping[str, Any], call: Callable[[Step, tuple[Any, ...]], Any]
) -> dict[str, Any]:
    """Fold a program: return the value of every input, data name and step.

    ``values`` has what the inputs and data stand for, of whatever kind ``call`` takes; ``call(step, operands)`` returns
    the step's value for the values of its operands (Python scalars stay as they are), or a tuple of them
    where the step has several results. Raises KeyError where a step uses an input or data name that has no value;
    what ``call`` raises is passed on.
    """
    known = {name: values[name] for name in (*program.inputs, *program.data) if name in values}
    for step in program.steps:
        operands = tuple(known[item] if isinstance(item, str) else item for item in step.operands)
        value = call(step, operands)
        known.update(zip(step.results, value if len(step.results) > 1 else (value,), strict=True))
    return known


def inline(program: Program, body: Callable[[Step], Program | None]) -> Program:
    """Replace every step that has a body by the body's steps, again and again; None keeps a step as it is.

    A body's inputs stand for the operands of the step, its outputs for the step's results, one each and in order; the
    names between them are made anew, and none that the program has is taken. What ``body`` raises is passed on.
    """
    taken = set(program.names)

    def written(steps: Sequence[Step]) -> list[Step]:
        found: list[Step] = []
        for step in steps:
            inner = body(step)
            found += [step] if inner is None else written(_renamed(inner, step, taken))
        return found

    return replace(program, steps=tuple(written(program.steps)))


def _renamed(body: Program, step: Step, taken: set[str]) -> list[Step]:
    """Return the steps of a body under names that are new, but for its outputs, which are the results of the step."""
    ends = dict(zip(body.outputs, step.results, strict=True))
    names: dict[Reference, Reference] = dict(zip(body.inputs, step.operands, strict=True))
    found = []
    for inner in body.steps:
        new = {name: ends.get(name) or _fresh(f"{step.results[0]}_{name}", taken) for name in inner.results}
        operands = tuple(names.get(item, item) for item in inner.operands)
        found.append(replace(inner, results=tuple(new.values()), operands=operands))
        names.update(new)
    return found


def _fresh(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, and take it."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _define(name: str, known: set[str], where: str) -> None:
    if not name.isidentifier():
        raise SpecError(where, f"name={name!r}", "a Python identifier", "Rename it.")
    if name in known:
        raise SpecError(where, f"name={name!r}", "a name defined once", "Rename one of the two.")
    known.add(name)
