"""The engine's side of an explanation: what a target made of a case, beside what is right."""

from __future__ import annotations

from gradlaw.circuits.explanation import Compared, EngineSide
from gradlaw.circuits.numbers import ALL, array
from gradlaw.requests import Limits
from gradlaw.running.session import Session
from gradlaw_properties import Settings, judge
from gradlaw_reference import Data, certify
from gradlaw_spec import Array, Case


def engine_side(case: Case, target: str, limits: Limits) -> EngineSide:
    """Run a case on a target, in a worker process, and judge its outputs and gradients.

    Raises UsageError or SpecError where the target cannot be loaded.
    """
    with Session(target, Settings(), limits) as session:
        session.plan()
        found = session.pull(case)
    if found.problem:
        return EngineSide(found.target, found.version, (), found.problem)
    certified = certify(case.program, case.values, dtype=case.dtype)
    gradients = certified.gradients(case.cotangents)
    rows = [*zip(case.program.outputs, found.outputs, certified.outputs, strict=True)]
    compared = [_compared(f"value of {name}", got, allowed, case.dtype) for name, got, allowed in rows]
    for name, gradient, allowed in zip(case.program.inputs, found.gradients, gradients, strict=True):
        if gradient is None:
            compared.append(Compared(f"gradient of {name}", "none (read as zeros)", ""))
        else:
            compared.append(_compared(f"gradient of {name}", gradient, allowed, case.dtype))
    return EngineSide(found.target, found.version, tuple(compared))


def _compared(what: str, got: Array, allowed: Data, dtype: str) -> Compared:
    return Compared(what, array(got.astype("float64"), ALL), judge(what, got, allowed, dtype).problem)
