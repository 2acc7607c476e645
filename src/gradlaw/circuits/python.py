"""A flow as a program in plain Python (NumPy where there are arrays): staged forward and backward, to run and to read.

The backward lines are the formulas of the primitives' pages. At a kink a formula of a page takes one side; the
reference shares out, and so does this program (see ``SHARED``).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from gradlaw.circuits.flow import Flow, Share
from gradlaw.circuits.rules import (
    gradient_name,
    literal,
    operand_of,
    replacements_of,
    step_expression,
    substituted,
    unparse,
)
from gradlaw.reports.code import array_text
from gradlaw_spec import Array, SpecError, Step, load_primitives

TIES: Final = "unreduce(g, x, axis=axis, keepdims=keepdims) * share_of_ties(x, value, axis=axis, keepdims=keepdims)"
SHARED: Final[Mapping[tuple[str, str], str]] = {
    ("maximum", "x1"): "g * share(x1, x2)",
    ("maximum", "x2"): "g * share(x2, x1)",
    ("minimum", "x1"): "g * share(x2, x1)",
    ("minimum", "x2"): "g * share(x1, x2)",
    ("relu", "x"): "g * share(x, 0)",
    ("abs", "x"): "g * (2 * share(x, 0) - 1)",
    (
        "max",
        "x",
    ): "unreduce(g, x, axis=axis, keepdims=keepdims) * share_of_ties(x, value, axis=axis, keepdims=keepdims)",
    (
        "min",
        "x",
    ): "unreduce(g, x, axis=axis, keepdims=keepdims) * share_of_ties(x, value, axis=axis, keepdims=keepdims)",
    ("clip", "x"): "g * clip_share(x, min, max)",
}
"""What the reference does at the kinks of these pages: equal ones share."""

SCALAR_FUNCTIONS: Final[Mapping[str, str]] = {
    **{name: f"math.{name}" for name in ("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sqrt")},
    "abs": "abs",
    "maximum": "max",
    "minimum": "min",
    "pow": "pow",
}
ARRAY_FUNCTIONS: Final[Mapping[str, str]] = {
    **{
        name: f"np.{name}"
        for name in (
            *("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sqrt", "square", "reciprocal", "abs"),
            *("maximum", "minimum", "where", "sum", "mean", "prod", "max", "min", "reshape", "broadcast_to"),
            *("expand_dims", "stack", "take"),
        )
    },
    "pow": "np.power",
    "permute_dims": "np.transpose",
    "concat": "np.concatenate",
}

HELPERS: Final[Mapping[str, str]] = {
    "sigmoid": """
def sigmoid(x):
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + decay), decay / (1 + decay))""",
    "softplus": """
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))""",
    "relu": """
def relu(x):
    return np.maximum(x, 0)""",
    "clip": """
def clip(x, min=None, max=None):
    x = x if min is None else np.maximum(x, min)
    return x if max is None else np.minimum(x, max)""",
    "share": """
def share(x1, x2):
    \"\"\"1 where x1 is larger, 0 where x2 is; equal ones share.\"\"\"
    return np.where(x1 > x2, 1.0, np.where(x1 < x2, 0.0, 0.5))""",
    "clip_share": """
def clip_share(x, min=None, max=None):
    above = 1.0 if min is None else share(x, min)
    return above if max is None else np.minimum(above, share(max, x))""",
    "share_of_ties": """
def share_of_ties(x, value, axis, keepdims):
    \"\"\"Equal largest (or smallest) elements share.\"\"\"
    hit = x == unreduce(value, x, axis, keepdims)
    return hit / np.sum(hit, axis=axis, keepdims=True)""",
    "logsumexp": """
def logsumexp(x, axis=None, keepdims=False):
    top = np.max(x, axis=axis, keepdims=True)
    result = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return result if keepdims else np.reshape(result, np.sum(x, axis=axis).shape)""",
    "softmax": """
def softmax(x, axis=-1):
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)""",
    "matrix_transpose": """
def matrix_transpose(x):
    return np.swapaxes(x, -1, -2)""",
    "outer": """
def outer(x1, x2):
    \"\"\"The gradient of a matrix that met a vector.\"\"\"
    return x1[..., :, None] * x2[..., None, :]""",
    "unreduce": """
def unreduce(g, x, axis=None, keepdims=False):
    \"\"\"Give every element of x what its sum received.\"\"\"
    return np.broadcast_to(np.reshape(g, np.sum(x, axis=axis, keepdims=True).shape), x.shape)""",
    "unbroadcast": """
def unbroadcast(g, shape):
    \"\"\"Sum over the axes that broadcasting added or stretched.\"\"\"
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    return np.sum(g, axis=tuple(i for i, n in enumerate(shape) if n != g.shape[i]), keepdims=True)""",
    "count": """
def count(x, axis=None):
    return x.size // max(np.sum(x, axis=axis).size, 1)""",
    "others": """
def others(x, axis=None):
    \"\"\"For each element, the product of those that are multiplied with it.\"\"\"
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    result = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        group = tuple(slice(None) if i in {a % x.ndim for a in axes} else p for i, p in enumerate(place))
        mask = np.ones(x.shape, bool)
        mask[place] = False
        result[place] = np.prod(x[group], where=mask[group])
    return result""",
    "like": """
def like(g, x):
    return np.reshape(g, x.shape)""",
    "permute_back": """
def permute_back(g, axes):
    return np.transpose(g, np.argsort([axis % np.ndim(g) for axis in axes]))""",
    "piece": """
def piece(g, arrays, position, axis):
    \"\"\"The part of g that belongs to one of the arrays that were joined.\"\"\"
    if g.ndim > arrays[0].ndim:
        return np.take(g, position, axis=axis)
    start = sum(array.shape[axis] for array in arrays[:position])
    return np.take(g, range(start, start + arrays[position].shape[axis]), axis=axis)""",
    "scatter": """
def scatter(g, x, index):
    \"\"\"Send every element back to where it came from.\"\"\"
    result = np.zeros(x.shape)
    np.add.at(result, index, g)
    return result""",
    "scatter_take": """
def scatter_take(g, x, indices, axis):
    result = np.zeros(x.shape)
    np.add.at(result, (slice(None),) * (axis % x.ndim) + (indices,), g)
    return result""",
}
"""What Python and NumPy lack, as it is written into the program; a helper stands behind those that it uses."""
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {"share_of_ties": ("unreduce",), "clip_share": ("share",)}

SCALAR_HELPERS: Final[Mapping[str, str]] = {
    "sigmoid": """
def sigmoid(x):
    decay = math.exp(-abs(x))
    return 1 / (1 + decay) if x >= 0 else decay / (1 + decay)""",
    "softplus": """
def softplus(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))""",
    "relu": """
def relu(x):
    return max(x, 0)""",
    "square": """
def square(x):
    return x * x""",
    "reciprocal": """
def reciprocal(x):
    return 1 / x""",
    "clip": """
def clip(x, min=None, max=None):
    x = x if min is None or x > min else min
    return x if max is None or x < max else max""",
    "where": """
def where(condition, x1, x2):
    return x1 if condition else x2""",
    "share": """
def share(x1, x2):
    \"\"\"1 if x1 is larger, 0 if x2 is; equal ones share.\"\"\"
    return 1.0 if x1 > x2 else 0.0 if x1 < x2 else 0.5""",
    "clip_share": """
def clip_share(x, low=None, high=None):
    above = 1.0 if low is None else share(x, low)
    return above if high is None else min(above, share(high, x))""",
}


class _Writer(ast.NodeTransformer):
    """Turns calls of the formula language into calls of Python, NumPy or a helper, and notes the helpers."""

    def __init__(self, functions: Mapping[str, str], helpers: Mapping[str, str]) -> None:
        self.functions, self.helpers = functions, helpers
        self.used: dict[str, None] = {}

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name in self.functions:
            node.func = ast.parse(self.functions[name], mode="eval").body
        elif name in self.helpers:
            self.use(name)
        return node

    def use(self, name: str) -> None:
        for needed in (*NEEDS.get(name, ()), name):
            self.used[needed] = None

    def write(self, expression: ast.expr) -> str:
        written: ast.expr = self.visit(expression)
        return unparse(written)


def flow_program(flow: Flow) -> str:
    """Return the flow as a stand-alone program that prints its values and gradients, the same numbers as the flow's.

    Raises SpecError where a name of the flow is one that the program needs for itself.
    """
    _require_free_names(flow)
    scalar = all(reading.value.ndim == 0 for reading in flow.values.values())
    scalar = scalar and all(load_primitives()[step.primitive].shapes == "elementwise" for step in flow.program.steps)
    functions, helpers = (SCALAR_FUNCTIONS, SCALAR_HELPERS) if scalar else (ARRAY_FUNCTIONS, HELPERS)
    writer = _Writer(functions, helpers)
    text = _text_of(scalar=scalar)
    program = flow.program
    body = ["# Forward"]
    for name in (*program.inputs, *program.data):
        body.append(f"{name} = {text(flow.values[name].value)}")
    forward = {step.name: unparse(step_expression(step)) for step in program.steps}
    body += [f"{step.name} = {writer.write(step_expression(step, defaults=True))}" for step in program.steps]
    body += ["", "# Backward: each line says which forward line it belongs to"]
    begun: set[str] = set()
    for name in program.outputs:
        body.append(f"{gradient_name(name)} = {text(flow.received[name].value)}  # where it starts")
        begun.add(name)
    for share in flow.shares:
        step = next(step for step in program.steps if step.name == share.step)
        body.append(_backward_line(flow, share, step, writer, begun, forward[step.name]))
    body += _prints(flow, text)
    head = ["import math" if scalar else "import numpy as np", ""]
    if not scalar:
        head += ["s_ = np.s_"] * any("s_[" in line for line in body)
    code = "\n".join(f"{helpers[name]}\n" for name in writer.used)
    unused = scalar and "math." not in code + "\n".join(body)
    return "\n".join((*(head if not unused else []), code, *body)).strip() + "\n"


def _require_free_names(flow: Flow) -> None:
    """Refuse names that would hide a module, a helper or a gradient."""
    names = list(flow.values)
    taken = {"np", "math", "s_", *HELPERS, *SCALAR_HELPERS, *dir(builtins), *map(gradient_name, names)}
    for name in names:
        if name in taken:
            cure = "Give it another name."
            raise SpecError("--format=python", f"name={name!r}", "a name that the program does not need itself", cure)


def _text_of(*, scalar: bool) -> Callable[[Array], str]:
    if scalar:
        return array_text
    return lambda value: (
        f"np.array({array_text(value)})" if value.size else f"np.zeros({value.shape}, {value.dtype.name!r})"
    )


def _backward_line(flow: Flow, share: Share, step: Step, writer: _Writer, begun: set[str], forward: str) -> str:
    """Return one line: the rule of an operand's gradient, added to what came before it."""
    expression = writer.write(_rule(flow, share, step, writer))
    name = gradient_name(share.operand)
    comment = f"  # {step.name} = {forward}"
    if share.operand in begun:
        return f"{name} = {name} + {_bracketed(expression)}{comment}; branches add"
    begun.add(share.operand)
    return f"{name} = {expression}{comment}"


def _bracketed(expression: str) -> str:
    return f"({expression})" if isinstance(ast.parse(expression, mode="eval").body, ast.IfExp) else expression


def _rule(flow: Flow, share: Share, step: Step, writer: _Writer) -> ast.expr:
    """Return the rule of a share in the names of its step, summed to the operand's shape where that is another one."""
    page = load_primitives()[step.primitive]
    operand = operand_of(page, share.position)
    replacements: dict[str, Any] = replacements_of(step)
    formula = SHARED.get((page.name, operand.name), operand.vjp)
    shape, full = share.amount.value.shape, flow.values[step.name].value.shape
    if page.shapes == "matmul":
        formula = _matmul_rule(flow, step, share.position)
    if page.operands[0].kind == "sequence":
        formula = formula.replace("piece(g, arrays,", f"piece(g, arrays, {share.position},")
    rule = substituted(formula, replacements)
    broadcasts = page.shapes in ("elementwise", "matmul", "broadcast")
    if broadcasts and shape != _result_shape(flow, step, share.position, full):
        writer.use("unbroadcast")
        rule = ast.Call(ast.Name("unbroadcast"), [rule, literal(shape)], [])
    return rule


def _matmul_rule(flow: Flow, step: Step, position: int) -> str:
    """Return the rule of a matrix product, where an operand is a vector written out."""
    first, second = (flow.values[str(operand)].value.ndim for operand in step.operands)
    if first == 1 and second == 1:
        return ("g * x2", "g * x1")[position]
    if second == 1:
        return ("outer(g, x2)", "(matrix_transpose(x1) @ g[..., None])[..., 0]")[position]
    if first == 1:
        return ("(g[..., None, :] @ matrix_transpose(x2))[..., 0, :]", "outer(x1, g)")[position]
    return ("g @ matrix_transpose(x2)", "matrix_transpose(x1) @ g")[position]


def _result_shape(flow: Flow, step: Step, position: int, full: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that a rule's result has before broadcasting is undone."""
    if load_primitives()[step.primitive].shapes != "matmul":
        return full
    first, second = (flow.values[str(operand)].value.shape for operand in step.operands)
    batch = np.broadcast_shapes(first[:-2], second[:-2])
    core = (first, second)[position][-2:]
    return (*batch, *core)


def _prints(flow: Flow, text: Callable[[Array], str]) -> list[str]:
    """Return the lines that print every output, and the gradient of every input."""
    lines = [""]
    lines += [f'print("{name} =", {name})' for name in flow.program.outputs]
    for name in flow.program.inputs:
        if name in flow.received:
            lines.append(f'print("{gradient_name(name)} =", {gradient_name(name)})')
        else:
            lines.append(f'print("{gradient_name(name)} =", {text(np.zeros(flow.values[name].value.shape))})')
    return lines
