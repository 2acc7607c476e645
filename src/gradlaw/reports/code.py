"""Programs, arrays and numbers as Python code, in as few digits as give the same bits back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradlaw_spec import (
    DTYPES,
    Array,
    AttributeValue,
    Case,
    IndexItem,
    Program,
    Reference,
    Slice,
    Step,
    load_primitives,
)


def number_text(value: float, of: str) -> str:
    """Return the shortest decimal that rounds to a value in a dtype, by way of float64."""
    if not math.isfinite(value):
        return f'float("{value}")'
    short = _short(value, of)
    with np.errstate(all="ignore"):
        back = float(np.asarray(float(short)).astype(DTYPES[of].numpy))
    return short if back == value and math.copysign(1.0, back) == math.copysign(1.0, value) else repr(value)


def _short(value: float, of: str) -> str:
    if of == "float64":
        return repr(value)
    return repr(float(str(DTYPES[of].numpy.type(value))))


def array_text(array: Array) -> str:
    """Return an array's elements as nested lists, in Python."""
    name = array.dtype.name
    if array.ndim == 0:
        return number_text(float(array), name) if name in DTYPES else repr(array.item())
    return f"[{', '.join(array_text(np.asarray(one)) for one in array)}]"


def index_text(index: tuple[IndexItem, ...]) -> str:
    """Return an index as Python writes it, between its brackets."""
    return ", ".join(_item_text(item) for item in index) if index else "()"


def _item_text(item: IndexItem) -> str:
    if not isinstance(item, Slice):
        return {"newaxis": "None", "ellipsis": "..."}.get(str(item), str(item))
    start, stop, step = ("" if bound is None else str(bound) for bound in (item.start, item.stop, item.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def attribute_text(value: AttributeValue) -> str:
    """Return an attribute's value in Python."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(list(value)) if isinstance(value, list) else repr(value)


def operand_text(operand: Reference) -> str:
    """Return an operand in Python: its name, or its number."""
    return operand if isinstance(operand, str) else number_text(float(operand), "float64")


def step_text(step: Step) -> str:
    """Return a step as a line of Python, in the primitives' own names."""
    operands = ", ".join(operand_text(operand) for operand in step.operands)
    if step.primitive == "getitem":
        index: Any = step.attributes["index"]
        return f"{step.name} = {operands}[{index_text(index)}]"
    if load_primitives()[step.primitive].operands[0].kind == "sequence":
        operands = f"[{operands}]"
    attributes = "".join(f", {name}={attribute_text(value)}" for name, value in step.attributes.items())
    return f"{', '.join(step.results)} = {step.primitive}({operands}{attributes})"


def program_text(program: Program, values: Mapping[str, Array], cotangents: tuple[Array, ...]) -> tuple[str, ...]:
    """Return a program with its values and cotangents as lines."""
    lines = [
        f"{name} = {array_text(values[name])}  # {values[name].dtype.name}{shape_text(values[name])}"
        for name in (*program.inputs, *program.data)
    ]
    lines += [step_text(step) for step in program.steps]
    lines += [
        f"cotangent of {name} = {array_text(cotangent)}"
        for name, cotangent in zip(program.outputs, cotangents, strict=True)
    ]
    return tuple(lines)


def case_text(case: Case) -> str:
    """Return a case's program with its values and cotangents."""
    return "\n".join(program_text(case.program, case.values, case.cotangents))


def shape_text(array: Array) -> str:
    """Return an array's shape where its elements do not show it."""
    return f" {array.shape}" if array.size == 0 else ""
