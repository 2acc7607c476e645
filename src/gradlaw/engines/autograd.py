"""HIPS autograd: ``autograd.make_vjp`` of ``autograd.numpy`` functions (and ``autograd.scipy`` where SciPy is there).

autograd gives each name of NumPy a gradient by that name; it knows NumPy's own names (``power``, ``concatenate``),
not their aliases of the Python array API. It keeps float16, float32 and float64, where SciPy's functions do; bfloat16
arrays come through, but 0-d ones are refused ("Can't differentiate w.r.t. type bfloat16"), so it is not claimed.
NumPy keeps subnormal numbers.
"""

from __future__ import annotations

import operator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final

import autograd.builtins
import autograd.numpy as np
import numpy
from autograd.differential_operators import make_jvp, make_vjp

from gradlaw.engines.spelling import (
    Block,
    Run,
    Spelling,
    Template,
    forward_block,
    functional_block,
    functional_parts,
    reduced_axes,
    second_order_block,
)
from gradlaw.reports.code import attribute_text, operand_text
from gradlaw.targets.functional import functional_target, functions_of
from gradlaw_spec import Step, load_primitives


def _pullback(function: Any, primals: tuple[Any, ...]) -> tuple[Any, Any]:
    def wrapped(*inputs: Any) -> Any:
        output = function(*inputs)
        return autograd.builtins.tuple(output) if isinstance(output, tuple) else output

    pull, output = make_vjp(wrapped, argnum=tuple(range(len(primals))))(*primals)
    # Inside a function that is differentiated itself, the gradients are one box of autograd's, and no tuple.
    return output, lambda cotangent: tuple(map(pull(cotangent).__getitem__, range(len(primals))))


def _jvp(function: Any, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    def wrapped(given: Any) -> Any:
        output = function(*given)
        return autograd.builtins.tuple(output) if isinstance(output, tuple) else output

    output, tangent = make_jvp(wrapped)(primals)(tangents)
    return output, tangent


def _take(x: Any, indices: Any, *, axis: int) -> Any:
    """Pick by integers in one axis; np.take has no gradient in autograd, indexing has."""
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]


def _outer(x1: Any, x2: Any) -> Any:
    """Multiply single vectors: np.outer makes one vector of any other array."""
    if not x1.ndim == x2.ndim == 1:
        raise ValueError("np.outer knows no batches")
    return np.outer(x1, x2)


def _cross(x1: Any, x2: Any) -> Any:
    """Multiply vectors of equal batches: autograd's gradient of np.cross is not summed where an operand broadcast."""
    if x1.shape != x2.shape:
        raise ValueError("the gradient of np.cross knows no broadcasting")
    return np.cross(x1, x2)


def _symmetric(x: Any) -> Any:
    """Return the symmetric part of matrices, of which autograd's functions read a triangle."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def _kron(x1: Any, x2: Any) -> Any:
    """Multiply single matrices: np.kron multiplies all axes."""
    if not x1.ndim == x2.ndim == 2:
        raise ValueError("np.kron knows no batches")
    return np.kron(x1, x2)


def _trace(x: Any, *, offset: int) -> Any:
    """Add a diagonal of one matrix: autograd's gradient of np.trace knows no other axes than the first two."""
    if x.ndim != 2:
        raise ValueError("np.trace takes the first two axes")
    return np.trace(x, offset)


def _vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """Measure along one axis: of two np.linalg.norm makes a matrix, and its gradient knows no keepdims."""
    axis = 0 if axis is None and x.ndim == 1 else axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    if keepdims or not isinstance(axis, int):
        raise ValueError("np.linalg.norm of vectors takes one axis")
    return np.linalg.norm(x, ord, axis)


def _vector_norm_text(step: Step, ndim: int) -> str:
    (axis,) = reduced_axes(step, ndim)
    return f"np.linalg.norm({operand_text(step.operands[0])}, {attribute_text(step.attributes['ord'])}, {axis})"


def _sort(x: Any, *, axis: int, descending: bool) -> Any:
    """Sort in one direction, as NumPy does, and turn the result round for the other."""
    ordered = np.sort(x, axis=axis)
    return np.flip(ordered, axis) if descending else ordered


def _sort_text(step: Step, ndim: int) -> str:
    axis, text = step.attributes["axis"], f"np.sort({operand_text(step.operands[0])}, axis={step.attributes['axis']})"
    return f"np.flip({text}, {axis})" if step.attributes["descending"] else text


def _diagonal(x: Any, *, offset: int) -> Any:
    """Take the main diagonal: autograd says that np.diagonal has a gradient for no other."""
    if offset:
        raise ValueError("np.diagonal has a gradient for the main diagonal alone")
    return np.diagonal(x, 0, -1, -2)


def _take_text(step: Step, ndim: int) -> str:
    axis: Any = step.attributes["axis"]
    return f"{step.operands[0]}[{':, ' * (axis % ndim)}{step.operands[1]}]"


def _spread(function: Any) -> Any:
    """Return a deviation or variance under its older name of the correction, the one that autograd's gradients know."""
    return lambda x, *, axis=None, correction=0, keepdims=False: function(
        x, axis=axis, ddof=correction, keepdims=keepdims
    )


PRIMITIVES: Final[dict[str, Any]] = {
    "pow": np.power,
    "var": _spread(np.var),
    "std": _spread(np.std),
    **{name: getattr(np, f"arc{name[1:]}") for name in load_primitives() if hasattr(np, f"arc{name[1:]}")},
    "softplus": lambda x: np.logaddexp(0, x),
    "clip": lambda x, *, min=None, max=None: np.clip(x, min, max),
    "vector_norm": _vector_norm,
    "outer": _outer,
    "kron": _kron,
    "cholesky": lambda x: np.linalg.cholesky(_symmetric(x)),
    "eigvalsh": lambda x: np.linalg.eigh(_symmetric(x))[0],
    "eigh": lambda x: np.linalg.eigh(_symmetric(x)),
    "pinv": np.linalg.pinv,
    "svd": lambda x: tuple(map(np.linalg.svd(x, full_matrices=False).__getitem__, range(3))),
    "svdvals": lambda x: np.linalg.svd(x, full_matrices=False)[1],
    "cross": _cross,
    "trace": _trace,
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "logabsdet": lambda x: np.linalg.slogdet(x)[1],
    "matrix_transpose": lambda x: np.swapaxes(x, -1, -2),
    "permute_dims": lambda x, *, axes: np.transpose(x, axes),
    "reshape": lambda x, *, shape: np.reshape(x, shape),
    "broadcast_to": lambda x, *, shape: np.broadcast_to(x, shape),
    "concat": lambda arrays, *, axis: np.concatenate(arrays, axis=axis),
    "einsum": lambda arrays, *, subscripts: np.einsum(subscripts, *arrays),
    "getitem": operator.getitem,
    "take": _take,
    "sort": _sort,
    "tile": lambda x, *, repetitions: np.tile(x, repetitions),
    "pad": lambda x, *, pad_width: np.pad(x, pad_width, "constant"),
    "diagonal": _diagonal,
    "astype": lambda x, *, dtype: x.astype(dtype),
    "cumulative_sum": lambda x, *, axis: np.cumsum(x, axis=axis),
}
"""What has another name than the array API's in autograd, or other arguments."""
TEMPLATES: Final[dict[str, Template]] = {
    **{name: f"np.{name}({{0}}, axis={{axis}}, ddof={{correction}}, keepdims={{keepdims}})" for name in ("var", "std")},
    "softplus": "np.logaddexp(0, {0})",
    "clip": "np.clip({0}, {min}, {max})",
    "vector_norm": _vector_norm_text,
    "outer": "np.outer({0}, {1})",
    "kron": "np.kron({0}, {1})",
    "cholesky": "np.linalg.cholesky(({0} + np.swapaxes({0}, -1, -2)) / 2)",
    "eigvalsh": "np.linalg.eigh(({0} + np.swapaxes({0}, -1, -2)) / 2)[0]",
    "eigh": "np.linalg.eigh(({0} + np.swapaxes({0}, -1, -2)) / 2)",
    "svd": "np.linalg.svd({0}, full_matrices=False)",
    "svdvals": "np.linalg.svd({0}, full_matrices=False)[1]",
    "cross": "np.cross({0}, {1})",
    "logabsdet": "np.linalg.slogdet({0})[1]",
    "trace": "np.trace({0}, {offset})",
    "matrix_transpose": "np.swapaxes({0}, -1, -2)",
    "permute_dims": "np.transpose({0}, {axes_order})",
    "reshape": "np.reshape({0}, {shape})",
    "broadcast_to": "np.broadcast_to({0}, {shape})",
    "concat": "np.concatenate([{all}], axis={axis})",
    "einsum": "np.einsum({subscripts}, {all})",
    "take": _take_text,
    "sort": _sort_text,
    "tile": "np.tile({0}, {repetitions})",
    "pad": 'np.pad({0}, {pad_width}, "constant")',
    "diagonal": "np.diagonal({0}, 0, -1, -2)",
    "astype": "{0}.astype({dtype})",
    "cumulative_sum": "np.cumsum({0}, axis={axis})",
}
MODULES: Final[dict[str, Any]] = {"np": np, "np.linalg": np.linalg}
if find_spec("scipy") is not None:
    from autograd.scipy import special

    PRIMITIVES.update({name: getattr(special, name) for name in load_primitives() if hasattr(special, name)})
    PRIMITIVES["sigmoid"] = special.expit
    PRIMITIVES["polygamma"] = lambda x, *, n: special.polygamma(n, x)
    TEMPLATES["polygamma"] = "special.polygamma({n}, {0})"
    MODULES["special"] = special


def _block(spelling: Spelling, run: Run) -> Block:
    result, primals = functional_parts(spelling, run)
    result = result if len(run.program.outputs) == 1 else f"builtins.tuple({result})"
    if run.tangents:
        return forward_block(spelling, run, result, f"make_jvp(lambda given: f(*given))({primals})(t)")
    if run.directions:
        return _second_order(spelling, run, result, primals)
    positions = repr(tuple(range(len(run.program.inputs))))
    pull = f"pullback, value = make_vjp(f, argnum={positions})(*{primals})"
    return functional_block(spelling, run, result, pull)


def _second_order(spelling: Spelling, run: Run, result: str, primals: str) -> Block:
    count, outputs = len(run.program.inputs), len(run.program.outputs)
    made = f"make_vjp(f, argnum={tuple(range(count))!r})({', '.join(run.program.inputs)})[0]"
    pulled = f"builtins.tuple([d for d in map({made}({'g[0]' if outputs == 1 else 'g'}).__getitem__, range({count}))])"
    pull = f"pullback, _ = make_vjp(pulled, argnum={tuple(range(count + outputs))!r})(*{primals}, *g)"
    return second_order_block(spelling, run, result, pulled, pull)


SPELLING: Final = Spelling(
    imports=("import autograd.numpy as np", "from autograd import make_vjp"),
    extras={
        "make_jvp(": "from autograd import make_jvp",
        "special.": "from autograd.scipy import special",
        "builtins.": "from autograd import builtins",
    },
    array='np.array({data}, dtype="{dtype}")',
    empty='np.zeros({shape}, dtype="{dtype}")',
    functions=functions_of(PRIMITIVES, np),
    modules=MODULES,
    block=_block,
    templates=TEMPLATES,
)

target = functional_target(
    name="autograd",
    version=version("autograd"),
    levels=("scalar", "array", "linalg", "nn", "low-precision"),
    dtypes=("float64", "float32", "float16"),
    array=lambda array: array,
    numpy=numpy.asarray,
    pullback=_pullback,
    differentiates_pullbacks=True,
    jvp=_jvp,
    namespace=np,
    primitives=PRIMITIVES,
    # NumPy's in float32: 4.97, 3.86 and 3.35 (benchmarks/accuracy.py; atan2 at eight million points)
    # (SciPy's i0 and i1 in float64: 7.74 and 16.36)
    # det is the exponential of a sum of logarithms: 3,093 for diagonal matrices of six numbers up to 2**±1000
    accuracies={"asin": 5, "atan2": 5, "log10": 4, "det": 4000, "i0": 8, "i1": 17},
)
