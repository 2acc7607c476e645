"""Planted bugs in hand-written backward passes: what finds them, and what rejects the clean kernels.

Each checker is used as its documentation shows, at three seeds of normal points; a bug is found if one of them rejects
it, and a checker that rejects the clean kernel finds nothing there. ``assert_close`` compares with torch's own gradient
of the same function, in the same dtype, for a normal cotangent.

Run: ``python benchmarks/kernels.py [--clean N | --traced]`` (needs torch). Prints a Markdown table; with ``--clean``,
the clean kernels alone, at N cases a dtype; with ``--traced``, what gradlaw finds where the definition is traced from
the function that the others compare with.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from planted import KERNELS, Planted

import gradlaw

SEEDS = (0, 1, 2)
DTYPES = ("float32", "bfloat16", "float16")
Checker = Callable[[Planted, str], bool]
"""Whether a checker lets a kernel with a bug (empty: none) pass."""


def points(kernel: Planted, seed: int, dtype: torch.dtype) -> list[Any]:
    torch.manual_seed(seed)
    reals = [torch.randn(shape, dtype=torch.float64).to(dtype).requires_grad_() for shape in kernel.shapes]
    return [*reals, *([torch.randint(kernel.labels, kernel.shapes[0][:1])] if kernel.labels else [])]


def gradcheck(fast: bool) -> Checker:
    def check(kernel: Planted, bug: str) -> bool:
        function = kernel.make(bug)
        return all(
            torch.autograd.gradcheck(
                function, points(kernel, seed, torch.float64), fast_mode=fast, raise_exception=False
            )
            for seed in SEEDS
        )

    return check


def assert_close(dtype: torch.dtype, **tolerances: float) -> Checker:
    def gradients(function: Callable[..., Any], inputs: list[Any], seed: int) -> tuple[Any, ...]:
        output = function(*inputs)
        torch.manual_seed(100 + seed)
        cotangent = torch.randn(output.shape, dtype=torch.float64).to(output.dtype)
        reals = [one for one in inputs if one.requires_grad]
        return (output, *torch.autograd.grad(output, reals, cotangent))

    def check(kernel: Planted, bug: str) -> bool:
        for seed in SEEDS:
            inputs = points(kernel, seed, dtype)
            found, expected = (gradients(one, inputs, seed) for one in (kernel.make(bug), kernel.reference))
            try:
                torch.testing.assert_close(found, expected, check_dtype=False, **tolerances)
            except AssertionError:
                return False
        return True

    return check


def by_gradlaw(*dtypes: str) -> Checker:
    def check(kernel: Planted, bug: str) -> bool:
        try:
            judged(kernel, bug, dtypes)
        except gradlaw.Violation:
            return False
        return True

    return check


def judged(kernel: Planted, bug: str, dtypes: tuple[str, ...], **options: Any) -> Any:
    return gradlaw.check(
        kernel.definition,
        kernel.make(bug),
        kernel.signature,
        dtype=dtypes,
        compute="float32",
        also=kernel.also,
        accuracies=kernel.accuracies,
        engine="torch",
        **options,
    )


LOOSE = {"rtol": 1e-2, "atol": 1e-2}
CHECKERS: dict[str, Checker] = {
    "gradlaw float32": by_gradlaw("float32"),
    "gradlaw bfloat16": by_gradlaw("bfloat16"),
    "gradcheck slow": gradcheck(False),
    "gradcheck fast": gradcheck(True),
    "assert_close float32": assert_close(torch.float32),
    "float32, 1e-2": assert_close(torch.float32, **LOOSE),
    "assert_close bfloat16": assert_close(torch.bfloat16),
    "bfloat16, 1e-2": assert_close(torch.bfloat16, **LOOSE),
    "bfloat16, 1e-1": assert_close(torch.bfloat16, rtol=1e-1, atol=1e-1),
}


def bugs() -> None:
    print("| kernel | bug | " + " | ".join(CHECKERS) + " |")
    print("|---|---|" + "---|" * len(CHECKERS))
    counts, total, either = dict.fromkeys(CHECKERS, 0), 0, 0
    rejected: dict[str, list[str]] = {name: [] for name in CHECKERS}
    for name, kernel in KERNELS.items():
        usable = {key: checker(kernel, "") for key, checker in CHECKERS.items()}
        for key, passes in usable.items():
            if not passes:
                rejected[key].append(name)
        for bug in kernel.bugs:
            found = {key: usable[key] and not checker(kernel, bug) for key, checker in CHECKERS.items()}
            total += 1
            either += any(hit for key, hit in found.items() if key.startswith("gradlaw"))
            for key, hit in found.items():
                counts[key] += hit
            marks = ("✓" if hit else "·" if usable[key] else "✗" for key, hit in found.items())
            print(f"| {name} | {bug} | " + " | ".join(marks) + " |", flush=True)
    print(f"| **found of {total}** | | " + " | ".join(f"**{count}**" for count in counts.values()) + " |")
    print(
        "| clean kernels rejected | | " + " | ".join(", ".join(names) or "none" for names in rejected.values()) + " |"
    )
    print(f"\ngradlaw in float32 or bfloat16: {either} of {total}; ✗: the checker rejects the clean kernel")


def clean(cases: int) -> None:
    for name, kernel in KERNELS.items():
        for dtype in DTYPES:
            begin = time.perf_counter()
            try:
                result = judged(kernel, "", (dtype,), examples=cases)
            except gradlaw.Violation as violation:
                print(f"{name}@{dtype}: REJECTED\n{violation}", flush=True)
                continue
            gradient = next(cell for cell in result.cells[dtype] if "/gradient@" in cell.address)
            seconds, share = time.perf_counter() - begin, 100 * gradient.inconclusive / gradient.points
            print(
                f"{name}@{dtype}: {gradient.points} elements of gradients, none outside, {share:.2g} % undecided; "
                f"{result.points} points under all laws in {seconds:.1f} s",
                flush=True,
            )


def traced() -> None:
    found = total = 0
    for name, kernel in KERNELS.items():
        own = replace(kernel, definition=gradlaw.trace(kernel.reference), also=(), accuracies={})
        for dtype in ("float32", "bfloat16"):
            if not by_gradlaw(dtype)(own, ""):
                print(f"{name}@{dtype}: the clean kernel is REJECTED", flush=True)
        for bug in kernel.bugs:
            hit = not by_gradlaw("float32")(own, bug)
            found, total = found + hit, total + 1
            print(f"{name}: {bug}: {'found' if hit else 'missed'}", flush=True)
    print(f"by traced definitions in float32: {found} of {total}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=int, default=0, metavar="N", help="judge the clean kernels at N cases a dtype")
    parser.add_argument("--traced", action="store_true", help="judge by definitions that are traced from references")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # witnesses of bugs are nobody's
        os.chdir(folder)
        torch.set_num_threads(1)
        if asked.clean:
            clean(asked.clean)
        elif asked.traced:
            traced()
        else:
            bugs()


if __name__ == "__main__":
    main()
