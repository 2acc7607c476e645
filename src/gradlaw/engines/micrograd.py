"""micrograd (Andrej Karpathy): one number at a time, and backward starts from 1."""

import operator
from importlib.metadata import version
from typing import Any, Final

from micrograd.engine import Value

from gradlaw.engines.spelling import Block, Run, Spelling, cotangents_text
from gradlaw.reports.code import array_text
from gradlaw.targets.tape import tape_target

PRIMITIVES: Final[dict[str, Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
    "pow": operator.pow,
    "relu": lambda x: x.relu(),
}


def _block(spelling: Spelling, run: Run) -> Block:
    program = run.program
    loop = f"for g in {cotangents_text(array_text, run, absent='0')}:"
    made = [f"{name} = {spelling.literal(run.values[name])}" for name in program.inputs]
    made += [f"{name} = {array_text(run.values[name])}" for name in program.data]
    total = " + ".join(f"{name} * g[{position}]" for position, name in enumerate(program.outputs))
    values = ", ".join(f"{name}.data" for name in program.outputs)
    gradients = ", ".join(f'"gradient of {name}", {name}.grad' for name in program.inputs)
    after = (f"    ({total}).backward()", f'    print("value", {values}, {gradients})')
    if run.one_record:
        return Block(tuple(made), spelling.calls(run), (loop, *after))
    return Block((loop, *(f"    {line}" for line in made)), spelling.calls(run), after, "    ")


SPELLING: Final = Spelling(
    imports=("from micrograd.engine import Value",),
    array="Value({data})",
    empty="Value({data})",
    functions=PRIMITIVES,
    modules={},
    block=_block,
    templates={"relu": "{0}.relu()"},
)
target = tape_target(
    name="micrograd",
    version=version("micrograd"),
    levels=("scalar",),
    dtypes=("float64",),
    scalar=True,
    variable=Value,
    value=lambda value: value.data,
    backward=lambda output: output.backward(),
    cotangent="weighted-sum",
    gradient=lambda value: value.grad,
    primitives=PRIMITIVES,
)
