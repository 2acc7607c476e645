"""Spelling: how an engine's functions, arrays and pullbacks are written in a script that needs no gradlaw.

A function is written by its own qualified name in the modules that the script imports, with the operands in order and
the attributes as keywords, or as an operator of Python. Only where that is not right an engine says how, in a template
that has ``{0}``, ``{1}`` for operands, ``{all}`` for all of them, ``{t0}``, ``{t1}`` for operands that must be arrays,
``{axis}``, ``{keepdims}``, ``{shape}`` … for attributes, ``{axes}`` for the axes of a reduction and ``{axes_order}``
for those of a permutation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np

from gradlaw.reports.code import array_text, attribute_text, index_text, operand_text
from gradlaw_reference import FLOAT64, evaluate, using
from gradlaw_spec import DTYPES, Array, EngineFunction, Program, Step, load_primitives, value_dtypes

SHOW: Final = 'print("gradient of", name, d if d is None else (d.dtype, d.tolist()))'
SHOW_TANGENT: Final = SHOW.replace("gradient", "tangent")
OPERATORS: Final[Mapping[Any, str]] = {
    operator.add: "{0} + {1}",
    operator.sub: "{0} - {1}",
    operator.mul: "{0} * {1}",
    operator.truediv: "{0} / {1}",
    operator.pow: "{0} ** {1}",
    operator.neg: "-{0}",
}
Template = str | Callable[[Step, int], str]
Way = Literal["plain", "compiled", "batched"]


@dataclass(frozen=True, slots=True)
class Run:
    """A program that was run on a target: at which values, and from which cotangents it was pulled back."""

    program: Program
    values: Mapping[str, Array]
    cotangents: tuple[tuple[Array | None, ...], ...]
    one_record: bool = False
    """Whether the program was run once for all of them, and gradients were read after each."""
    directions: tuple[tuple[Array, ...], ...] = ()
    """What was pulled back through the pullback from each of the cotangents; empty: that was not done."""

    tangents: tuple[tuple[Array, ...], ...] = ()
    """What was pushed forward instead; empty: nothing was."""
    way: Way = "plain"
    """Whether the engine's compiler was in between, or a batch: inputs and cotangents then have an axis more."""

    @property
    def kind(self) -> tuple[bool, bool, str]:
        """Whether the pullback was differentiated too, whether tangents were pushed instead, and in which way."""
        return bool(self.directions), bool(self.tangents), self.way

    @property
    def beyond_pullback(self) -> bool:
        """Whether more was differentiated than the program, or in another way than backwards."""
        return self.kind != (False, False, "plain")

    def first_values(self) -> Mapping[str, Array]:
        """Return the values, those of the first case where there is a batch."""
        if self.way != "batched":
            return self.values
        return {name: value[0] if name in self.program.inputs else value for name, value in self.values.items()}

    def same_program(self, other: Run) -> bool:
        """Whether another run has the same program at the same values, bit for bit."""
        if self.program != other.program or self.kind != other.kind:
            return False
        if self.values.keys() != other.values.keys():
            return False
        return all(same_array(self.values[name], other.values[name]) for name in self.values)

    def whole(self) -> Run:
        """Return the run with zeros for each cotangent that is missing, for an engine that takes them all."""
        if all(one is not None for given in self.cotangents for one in given):
            return self
        with using(FLOAT64), np.errstate(all="ignore"):
            known = evaluate(self.program, self.values)
        dtypes = value_dtypes(
            self.program, {name: value.dtype.name for name, value in self.values.items() if value.dtype.name in DTYPES}
        )
        zeros = tuple(np.zeros(known[name].shape, DTYPES[dtypes[name]].numpy) for name in self.program.outputs)
        filled = (
            tuple(zero if one is None else one for one, zero in zip(given, zeros, strict=True))
            for given in self.cotangents
        )
        return replace(self, cotangents=tuple(filled))


@dataclass(frozen=True, slots=True)
class Block:
    """The code of one run: lines before its steps, its steps, lines after; steps may share lines."""

    before: tuple[str, ...]
    steps: tuple[str, ...]
    after: tuple[str, ...]
    indent: str = ""

    def lines(self, most: int) -> tuple[str, ...]:
        """Return the code; where it would have more lines than ``most``, the steps share lines."""
        room = max(1, most - len(self.before) - len(self.after))
        each = max(1, -(-len(self.steps) // room))
        chunks = [self.steps[start : start + each] for start in range(0, len(self.steps), each)]
        return (*self.before, *(self.indent + "; ".join(chunk) for chunk in chunks), *self.after)


@dataclass(frozen=True, slots=True)
class Spelling:
    """An engine's code."""

    imports: tuple[str, ...]
    """The first lines of a script."""
    array: str
    """An array, of ``{data}``, ``{dtype}`` and ``{shape}``."""
    empty: str
    """An array without elements."""
    functions: Mapping[str, EngineFunction]
    """The engine's functions by spec name."""
    modules: Mapping[str, Any]
    """The modules in which functions are looked for, by the names that they have in a script."""
    block: Callable[[Spelling, Run], Block]
    """The code of a run."""
    templates: Mapping[str, Template] = field(default_factory=dict)
    """How a primitive is written where its function's name does not say so."""
    extras: Mapping[str, str] = field(default_factory=dict)
    """Import lines for a script that has their name in it."""

    def literal(self, array: Array) -> str:
        """Return an array in the engine's code."""
        chosen = self.empty if array.size == 0 else self.array
        return chosen.format(data=array_text(array), dtype=array.dtype.name, shape=array.shape)

    def template(self, primitive: str) -> Template | None:
        """Return how a primitive is written; None where that is not known."""
        function = self.functions.get(primitive)
        if primitive in self.templates or function is None:
            return self.templates.get(primitive)
        if primitive == "getitem":
            return "{0}[{index}]"
        if function in OPERATORS:
            return OPERATORS[function]
        name = self.name(primitive, function)
        if name is None:
            return None
        page = load_primitives()[primitive]
        operands = [f"{{{place}}}" for place in range(len(page.operands))]
        given = ["[{all}]"] if page.operands[0].kind == "sequence" else operands
        keywords = [f"{one.name}={{{_slot(one.name)}}}" for one in page.attributes]
        return f"{name}({', '.join([*given, *keywords])})"

    def name(self, primitive: str, function: EngineFunction) -> str | None:
        """Return a function's name in a script: the spec's own, else the one that it has of itself."""
        names = (primitive, getattr(function, "__name__", primitive))
        pairs = ((alias, module, name) for name in names for alias, module in self.modules.items())
        return next((f"{alias}.{name}" for alias, one, name in pairs if getattr(one, name, None) is function), None)

    def call(self, step: Step, dtype: str, ndim: int) -> str:
        """Return a step's expression; ``ndim`` is that of its first operand."""
        template = self.template(step.primitive)
        assert template is not None
        if callable(template):
            return template(step, ndim)
        operands = [operand_text(operand) for operand in step.operands]
        texts: dict[str, str] = {name: attribute_text(value) for name, value in step.attributes.items()}
        texts["all"] = ", ".join(operands)
        texts["axes_order"] = texts.get("axes", "")
        texts["axes"] = repr(reduced_axes(step, ndim))
        for position, (text, operand) in enumerate(zip(operands, step.operands, strict=True)):
            whole = isinstance(operand, str)
            texts[f"t{position}"] = text if whole else self.array.format(data=text, dtype=dtype, shape=())
        if step.primitive == "getitem":
            index: Any = step.attributes["index"]
            texts["index"] = index_text(index)
        if template in OPERATORS.values():
            operands = [f"({text})" if text.startswith("-") else text for text in operands]
        return template.format(*operands, **texts)

    def calls(self, run: Run) -> tuple[str, ...]:
        """Return each step of a run as an assignment."""
        with using(FLOAT64), np.errstate(all="ignore"):
            known = evaluate(run.program, run.first_values())
        dtype = next((run.values[name].dtype.name for name in run.program.inputs), "float64")
        lines = []
        for step in run.program.steps:
            first = step.operands[0]
            ndim = known[first].ndim if isinstance(first, str) else 0
            lines.append(f"{', '.join(step.results)} = {self.call(step, dtype, ndim)}")
        return tuple(lines)


def _slot(attribute: str) -> str:
    """Return the place of an attribute in a template; the axes of a permutation are not those of a reduction."""
    return "axes_order" if attribute == "axes" else attribute


def reduced_axes(step: Step, ndim: int) -> tuple[int, ...]:
    """Return the axes that a step reduces, all of them where it names none."""
    axis: Any = step.attributes.get("axis")
    return tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def same_array(first: Array, second: Array) -> bool:
    """Whether two arrays are the same, bit for bit."""
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


def tuple_text(items: Sequence[str]) -> str:
    """Return a tuple of texts as Python writes it."""
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def cotangents_text(literal: Callable[[Array], str], run: Run, absent: str = "None") -> str:
    """Return the cotangents of a run as a list of tuples; ``absent`` stands for one that is not started from."""
    given = (tuple_text([absent if one is None else literal(one) for one in each]) for each in run.cotangents)
    return f"[{', '.join(given)}]"


def names_text(run: Run) -> str:
    """Return the names of what a run has gradients of as an expression: its inputs, and its cotangents."""
    cotangents = [f"cotangent_{name}" for name in run.program.outputs] if run.directions else []
    return f'"{" ".join([*run.program.inputs, *cotangents])}".split()'


def starts_text(literal: Callable[[Array], str], run: Run) -> str:
    """Return the cotangents and directions of a run as a list of pairs of tuples."""
    pairs = (
        f"({tuple_text([literal(one) for one in given if one is not None])}, {tuple_text(list(map(literal, along)))})"
        for given, along in zip(run.cotangents, run.directions, strict=True)
    )
    return f"[{', '.join(pairs)}]"


def _function_block(spelling: Spelling, run: Run, after: tuple[str, ...]) -> Block:
    """Write a run's program as a function ``f``; ``after`` are the lines behind its steps."""
    data = (f"{name} = {spelling.literal(run.values[name])}" for name in run.program.data)
    return Block((*data, f"def f({', '.join(run.program.inputs)}):"), spelling.calls(run), after, "    ")


def functional_block(spelling: Spelling, run: Run, result: str, pull: str) -> Block:
    """Write a run of an engine that differentiates functions: ``pull`` is the line that makes value and pullback."""
    run, program = run.whole(), run.program
    single = len(program.outputs) == 1
    after = (
        f"    return {result}",
        pull,
        f'print("value", *((v.dtype, v.tolist()) for v in {"(value,)" if single else "value"}))',
        f"for g in {cotangents_text(spelling.literal, run)}:",
        f"    for name, d in zip({names_text(run)}, pullback({'g[0]' if single else 'g'})):",
        f"        {SHOW}",
    )
    return _function_block(spelling, run, after)


def second_order_block(spelling: Spelling, run: Run, result: str, pulled: str, pull: str) -> Block:
    """Write a run of an engine that differentiates its pullback, ``pulled``; ``pull`` is the line that does it."""
    inputs = ", ".join(run.program.inputs)
    after = (
        f"    return {result}",
        f"def pulled({inputs}, *g):",
        f"    return {pulled}",
        f"for g, u in {starts_text(spelling.literal, run)}:",
        f"    {pull}",
        f"    for name, d in zip({names_text(run)}, pullback(u)):",
        f"        {SHOW}",
    )
    return _function_block(spelling, run, after)


def forward_block(spelling: Spelling, run: Run, result: str, pushed: str) -> Block:
    """Write a run of an engine's forward mode, ``pushed``: the call that makes value and tangent."""
    single = len(run.program.outputs) == 1
    after = (
        f"    return {result}",
        f"for t in {tangents_text(spelling.literal, run)}:",
        f"    value, tangent = {pushed}",
        f"    for name, d in zip({outputs_text(run)}, {'(tangent,)' if single else 'tangent'}):",
        f"        {SHOW_TANGENT}",
    )
    return _function_block(spelling, run, after)


def batched_block(spelling: Spelling, run: Run, result: str, primals: str, mapped: str) -> Block:
    """Write a run that pulls back a batch; ``mapped`` is a function of the primals and the cotangents of a batch."""
    given = "g[0]" if len(run.program.outputs) == 1 else "g"
    after = (
        f"    return {result}",
        f"pulled = {mapped}",
        f"for g in {cotangents_text(spelling.literal, run)}:",
        f"    for name, d in zip({names_text(run)}, pulled({primals}, {given})):",
        f"        {SHOW}",
    )
    return _function_block(spelling, run, after)


def tangents_text(literal: Callable[[Array], str], run: Run) -> str:
    """Return the tangents of a run as a list of tuples."""
    return f"[{', '.join(tuple_text(list(map(literal, one))) for one in run.tangents)}]"


def outputs_text(run: Run) -> str:
    """Return the names of a run's outputs as an expression."""
    return f'"{" ".join(run.program.outputs)}".split()'


def functional_parts(spelling: Spelling, run: Run) -> tuple[str, str]:
    """Return what the function of a run returns, and its primals."""
    outputs = run.program.outputs
    primals = tuple_text([spelling.literal(run.values[name]) for name in run.program.inputs])
    return outputs[0] if len(outputs) == 1 else tuple_text(outputs), primals
