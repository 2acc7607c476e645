"""What a law may need, of an engine or of a case: said as data, so that the plan and the counts tell the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gradlaw_properties.trial import Trial
from gradlaw_spec import Target


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """Something without which a law says nothing."""

    what: str
    """What it is, in a few words."""
    of_target: Callable[[Target], bool] = lambda target: True
    """Whether an engine has it; the law is unsupported on one that has not."""
    of_case: Callable[[Trial], bool] = lambda trial: True
    """Whether a case has it; one that has not is no example of the law."""


def _plain(trial: Trial) -> bool:
    named = [operand for operand in trial.step.operands if isinstance(operand, str)]
    inputs = [operand for operand in named if operand in trial.program.inputs]
    return len(named) == len(trial.step.operands) and len(set(inputs)) == len(inputs)


def _some(trial: Trial) -> bool:
    """Whether a case is among those of a law that takes long; one without any element takes no time, and is rare."""
    single = len(trial.program.steps) == 1
    empty = single and any(value.size == 0 for value in trial.inputs)
    return empty or trial.case.seed % (2 if single else 4) == 0


SEVERAL_WALKS: Final = Need("one record for several walks", of_target=lambda target: target.walks is not None)
REACHABLE_BUFFERS: Final = Need(
    "inputs whose buffers can be overwritten", of_target=lambda target: target.overwritten is not None
)
DIFFERENTIATES_PULLBACKS: Final = Need(
    "pullbacks that can be differentiated",
    of_target=lambda target: target.second_order is not None and target.sets is None,
)
FORWARD_MODE: Final = Need("a forward mode", of_target=lambda target: target.jvp is not None and target.sets is None)
COMPILER: Final = Need("a compiler", of_target=lambda target: target.compiled is not None)
BATCHES: Final = Need("a way to pull back a batch", of_target=lambda target: target.batched is not None)
SOME_CASES: Final = Need(
    "one case in two of a primitive and each empty one, and one in four of programs", of_case=_some
)
STARTS_ALONE: Final = Need("a backward without a cotangent", of_target=lambda target: target.starts_alone)
ANY_COTANGENT: Final = Need("cotangents other than ones", of_target=lambda target: target.cotangent != "ones")
DISTINCT_INPUTS: Final = Need("each operand an input of its own", of_case=_plain)
SOME_STEP: Final = Need("a step", of_case=lambda trial: len(trial.program.steps) > 0)
SEVERAL_STEPS: Final = Need("a program of several steps", of_case=lambda trial: len(trial.program.steps) > 1)
ELEMENTS: Final = Need("an operand that is not empty", of_case=lambda trial: trial.inputs[0].size > 0)
CONDITION: Final = Need("a condition as data", of_case=lambda trial: len(trial.program.data) == 1)
