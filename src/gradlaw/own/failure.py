"""The text of a failure: which clause, at which inputs, what came back, what is admissible, and a script."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradlaw.own.drawing import Subject
from gradlaw.own.kernels import Kernel
from gradlaw.own.scripts import array_code, kernel_lines, script
from gradlaw.own.settings import COTANGENT
from gradlaw.reports.cells import clause_of, law_of
from gradlaw_spec import Cell
from gradlaw_spec.text import printable


@dataclass(frozen=True)
class Failure:
    """A cell that is bad, with the others that are, and where its witness was written."""

    subject: Subject
    kernel: Kernel
    cell: Cell
    others: tuple[Cell, ...]
    path: str
    hint: str = ""
    """Which declaration would admit it, as a question."""

    @property
    def dtype(self) -> str:
        """The dtype on trial."""
        return self.cell.address.rpartition("@")[2]


def violation_text(failure: Failure) -> str:
    """Return what a failing test prints."""
    cell, name = failure.cell, getattr(failure.subject.definition, "__name__", "definition")
    lines = [f"{name}/{law_of(cell)}@{failure.dtype}: {failure.cell.verdict.value}", f"  {clause_of(cell)}", ""]
    lines += [f"    {line}" for line in _inputs(failure)]
    lines += ["", f"  {printable(cell.message)}", f"  {_rounded(failure)}"]
    if failure.hint:
        lines.append(f"  {failure.hint}")
    if failure.others:
        lines.append(f"  also: {', '.join(law_of(other) for other in failure.others)}")
    lines += ["", *(f"    {line}" for line in _script(failure).splitlines())]
    if failure.path:
        lines += ["", f"  Replay: run the test again; it begins with {failure.path}"]
        lines.append(f"  (that one case alone: gradlaw replay {failure.path} --target FILE.py:TEST)")
    return "\n".join(lines)


def _rounded(failure: Failure) -> str:
    """Say how the definition is rounded, and by whose accuracy."""
    compute = failure.subject.compute
    where = f"steps computed in {compute}" if compute else f"every step computed in {failure.dtype}"
    return f"(admissible: {where}; {failure.kernel.library.name} {failure.kernel.library.version})"


def _inputs(failure: Failure) -> list[str]:
    """Return the inputs, options and cotangents in short decimals."""
    witness = failure.cell.witness
    if witness is None:
        return []
    case, call = witness.case, failure.kernel.call(witness.case.values)
    lines = []
    for name, value in call.arguments.items():
        if not isinstance(value, np.ndarray):
            lines.append(f"{name} = {value!r}")
            continue
        layout = f", {call.layouts[name]}" if name in call.layouts else ""
        lines.append(f"{name} = {array_code(value)}  # {value.dtype.name} {value.shape}{layout}")
    lines += [f"{name} = {value!r}" for name, value in call.options.items()]
    layout = f"  # {call.layouts[COTANGENT]}" if COTANGENT in call.layouts else ""
    several = len(case.cotangents) > 1
    for position, cotangent in enumerate(case.cotangents):
        beside = call.shared and position == len(case.cotangents) - 1
        which = (
            f" of {call.shared}, which is used beside the kernel too" if beside else f" {position}" if several else ""
        )
        lines.append(f"cotangent{which} = {array_code(cotangent)}{layout}")
    return lines


def _script(failure: Failure) -> str:
    witness = failure.cell.witness
    if witness is None:
        return ""
    call = failure.kernel.call(witness.case.values)
    found, name = kernel_lines(failure.kernel.function)
    imports, lines = failure.kernel.library.lines(call, witness.case.cotangents, name)
    header = (f"# {printable(failure.cell.message).splitlines()[0]}",)
    return script(header, imports, found, lines)
