"""micrograd (Andrej Karpathy): one number at a time, and backward starts from 1."""

import operator
from importlib.metadata import version

from micrograd.engine import Value

from gradlaw.targets.tape import tape_target

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
    primitives={
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": operator.truediv,
        "negative": operator.neg,
        "pow": operator.pow,
        "relu": lambda x: x.relu(),
    },
)
