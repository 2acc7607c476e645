"""The kill matrix: the planted mutants against gradlaw and the checkers that engines ship.

Every mutant is a wrong engine (``gradlaw_properties.mutants``). Each checker is given the mutant's function as its
own engine's custom function, with random normal points as its documentation shows, at three seeds; a mutant is killed
if any of the three runs rejects it. A checker that rejects the right engine on the same function kills nothing.

Run: ``python benchmarks/kills.py`` (needs torch, jax, autograd). Prints a Markdown table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy
import autograd.test_util
import jax
import numpy as np
import torch
from jax.test_util import check_grads as jax_check_grads

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, Unit, examine
from gradlaw_properties.laws import all_laws
from gradlaw_properties.mutants import Mutant, all_mutants
from gradlaw_spec import PROGRAM, Program, Step, Target, Verdict, load_primitives, parse_formula

jax.config.update("jax_enable_x64", True)

FORMULAS: dict[str, tuple[str, dict[str, tuple[int, ...]], dict[str, Any]]] = {
    PROGRAM: ("", {"x": (3, 4), "y": (4,)}, {}),
    "add": ("x + y", {"x": (3, 4), "y": (4,)}, {}),
    "multiply": ("x * 1.1 * y", {"x": (3, 4), "y": (4,)}, {}),
    "sin": ("sin(x)", {"x": (3, 4)}, {}),
    "tanh": ("tanh(x)", {"x": (3, 4)}, {}),
    "sigmoid": ("sigmoid(x)", {"x": (3, 4)}, {}),
    "relu": ("relu(x)", {"x": (3, 4)}, {}),
    "maximum": ("maximum(x, y)", {"x": (3, 4), "y": (3, 4)}, {}),
    "sqrt": ("sqrt(x * x + 1)", {"x": (3, 4)}, {}),
    "pow": ("(x * x + 1) ** y", {"x": (3, 4), "y": (3, 4)}, {}),
    "matmul": ("x @ y", {"x": (2, 3, 3), "y": (2, 3, 3)}, {}),
    "sum": ("sum(x, axis=0)", {"x": (30, 40)}, {}),
    "reshape": ("reshape(x, shape=(4, 3))", {"x": (3, 4)}, {}),
    "take": ("take(x, i, axis=0)", {"x": (3, 4)}, {"i": np.array([0, 2, 2])}),
    "where": ("where(c, x, y)", {"x": (2, 2), "y": (2, 2)}, {"c": np.array([[True, False], [False, True]])}),
}
SHARING = Program(
    ("x", "y"),
    (
        Step(("a",), "multiply", ("x", "y")),
        Step(("b",), "tanh", ("a",)),
        Step(("c",), "add", ("b", "a")),
        Step(("d",), "multiply", ("c", "x")),
    ),
    ("d",),
)
"""The program of ``PROGRAM``: a shared intermediate, a shared input, and broadcasting."""
SEEDS = (0, 1, 2)
Checker = Callable[[Target, Program, dict[str, Any], list[Any]], bool]


def _pair(target: Target, program: Program, data: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return forward and backward of the target's program on NumPy arrays, as a user wraps a kernel."""

    def values(primals: tuple[Any, ...]) -> dict[str, Any]:
        return {**data, **dict(zip(program.inputs, map(np.array, primals), strict=True))}

    def forward(*primals: Any) -> Any:
        return target.run(program, values(primals))[0]

    def backward(g: Any, *primals: Any) -> tuple[Any, ...]:
        gradients = target.pullback(program, values(primals))[1]((np.array(g),))
        return tuple(
            np.zeros_like(x) if gradient is None else gradient for gradient, x in zip(gradients, primals, strict=True)
        )

    return forward, backward


def torch_gradcheck(fast: bool) -> Checker:
    def check(target: Target, program: Program, data: dict[str, Any], points: list[Any]) -> bool:
        forward, backward = _pair(target, program, data)

        class Kernel(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *primals: Any) -> Any:
                ctx.save_for_backward(*primals)
                return torch.from_numpy(np.array(forward(*(x.detach().numpy() for x in primals))))

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                arrays = [x.detach().numpy() for x in ctx.saved_tensors]
                return tuple(torch.from_numpy(np.array(x)) for x in backward(g.numpy(), *arrays))

        inputs = tuple(torch.from_numpy(np.array(x)).requires_grad_() for x in points)
        return bool(torch.autograd.gradcheck(Kernel.apply, inputs, fast_mode=fast, nondet_tol=0.0))

    return check


def jax_checker(target: Target, program: Program, data: dict[str, Any], points: list[Any]) -> bool:
    forward, backward = _pair(target, program, data)
    shape = jax.ShapeDtypeStruct(np.shape(forward(*points)), points[0].dtype)

    @jax.custom_vjp
    def kernel(*primals: Any) -> Any:
        return jax.pure_callback(forward, shape, *primals)

    def run(*primals: Any) -> Any:
        return kernel(*primals), primals

    def pull(primals: Any, g: Any) -> Any:
        shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in primals)
        return jax.pure_callback(backward, shapes, g, *primals)

    kernel.defvjp(run, pull)
    jax_check_grads(kernel, tuple(points), order=1, modes=["rev"])
    return True


def autograd_checker(target: Target, program: Program, data: dict[str, Any], points: list[Any]) -> bool:
    forward, backward = _pair(target, program, data)
    kernel = autograd.extend.primitive(forward)

    def share(position: int) -> Callable[..., Any]:
        return lambda ans, *primals: lambda g: backward(g, *primals)[position]

    autograd.extend.defvjp(kernel, *(share(position) for position in range(len(points))))
    autograd.test_util.check_grads(kernel, modes=["rev"], order=1)(*points)
    return True


CHECKERS: dict[str, Checker] = {
    "gradcheck slow": torch_gradcheck(False),
    "gradcheck fast": torch_gradcheck(True),
    "jax check_grads": jax_checker,
    "autograd check_grads": autograd_checker,
}


def accepts(checker: Checker, target: Target, subject: str, dtype: str, seed: int) -> bool:
    """Whether a checker lets a target pass at one random point; a raised error is a rejection."""
    formula, shapes, data = FORMULAS[subject]
    program = parse_formula(formula, tuple(shapes), load_primitives().keys(), tuple(data)) if formula else SHARING
    draw = np.random.Generator(np.random.PCG64(seed))
    points = [draw.normal(size=shape).astype(dtype) for shape in shapes.values()]
    torch.manual_seed(seed)
    np.random.seed(seed)
    try:
        return checker(target, program, data, points)
    except Exception:  # what a checker raises is its verdict
        return False


def killed(checker: Checker, mutant: Mutant) -> bool:
    right = reference_target()
    if not all(accepts(checker, right, mutant.subject, mutant.dtype, seed) for seed in SEEDS):
        return False
    return not all(accepts(checker, mutant.build(), mutant.subject, mutant.dtype, seed) for seed in SEEDS)


def killed_by_gradlaw(mutant: Mutant) -> bool:
    page = load_primitives().get(mutant.subject)
    laws = tuple(name for name, law in all_laws().items() if law.applies(page) and law.judges(mutant.dtype))
    cells = examine(Unit(mutant.subject, mutant.dtype, laws), mutant.build(), Settings())
    if any(cell.verdict is Verdict.VIOLATION for cell in cells):
        return True
    laws = tuple(name for name, law in all_laws().items() if law.applies(None))
    return any(
        cell.verdict is Verdict.VIOLATION
        for cell in examine(Unit(PROGRAM, mutant.dtype, laws), mutant.build(), Settings())
    )


def main() -> None:
    print("| mutant | on | gradlaw | " + " | ".join(CHECKERS) + " |")
    print("|---|---|---|" + "---|" * len(CHECKERS))
    counts = dict.fromkeys(("gradlaw", *CHECKERS), 0)
    mutants = all_mutants()
    for mutant in mutants:
        found = {"gradlaw": killed_by_gradlaw(mutant)}
        found |= {name: killed(checker, mutant) for name, checker in CHECKERS.items()}
        for name, hit in found.items():
            counts[name] += hit
        print(
            f"| {mutant.name} | {mutant.subject}@{mutant.dtype} | "
            + " | ".join("✓" if x else "·" for x in found.values())
            + " |",
            flush=True,
        )
    print(f"| **killed of {len(mutants)}** | | " + " | ".join(f"**{n}**" for n in counts.values()) + " |")


if __name__ == "__main__":
    main()
