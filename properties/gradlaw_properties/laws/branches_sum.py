"""Law ``branches-sum``: a value used on several branches receives the sum of what flows back on each."""

from __future__ import annotations

from dataclasses import replace

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, difference
from gradlaw_properties.laws.common import NOTHING, exact, gradients_admissible, total
from gradlaw_properties.trial import Trial
from gradlaw_spec import Array, Primitive, Program, Reference

MUTANTS = (mutants.overwrites, mutants.merges_equal_values)


def applies(page: Primitive | None) -> bool:
    """Whether one value can be on two branches: several real operands, a sequence, or a program."""
    if page is None:
        return True
    return page.operands[0].kind == "sequence" or sum(operand.kind == "real" for operand in page.operands) > 1


def separated(trial: Trial) -> tuple[Program, dict[str, Array], dict[str, str]] | None:
    """Give each use of an input a copy of its own; return program, values and which input a copy is of."""
    owner: dict[str, str] = {}
    values = dict(trial.values)

    def copy(item: Reference) -> Reference:
        if item not in trial.program.inputs or not isinstance(item, str):
            return item
        name = f"{item}_{sum(original == item for original in owner.values()) + 1}"
        while name in values:
            name += "_"
        owner[name] = item
        values[name] = trial.values[item].copy()
        return name

    steps = tuple(replace(step, operands=tuple(copy(item) for item in step.operands)) for step in trial.program.steps)
    if len(owner) == len(set(owner.values())):
        return None
    kept = tuple(name for name in trial.program.inputs if name in trial.program.outputs)
    return Program((*kept, *owner), steps, trial.program.outputs, trial.program.data), values, owner


def joined(trial: Trial) -> Trial | None:
    """Use the first real operand of a primitive's case at every place of its shape."""
    program = trial.program
    if trial.page is None or len(program.inputs) < 2:
        return None
    first = program.inputs[0]
    alike = {name for name in program.inputs if trial.values[name].shape == trial.values[first].shape}
    if len(alike) < 2:
        return None
    operands = tuple(first if item in alike else item for item in trial.step.operands)
    inputs = tuple(name for name in program.inputs if name == first or name not in alike)
    twice = Program(inputs, (replace(trial.step, operands=operands),), program.outputs, program.data)
    return trial.variant(twice)


def _sum_of_branches(trial: Trial) -> Outcome:
    apart = separated(trial)
    if apart is None:
        return NOTHING
    program, values, owner = apart
    branches = trial.variant(program, values)
    gradients = dict(zip(program.inputs, branches.pull(), strict=True))
    sets = dict(zip(program.inputs, branches.truth(), strict=True))
    outcomes = [gradients_admissible(branches, branches.pull(), branches.truth())]
    for name, label, got, allowed in zip(trial.program.inputs, trial.names(), trial.pull(), trial.truth(), strict=True):
        copies = [copy for copy, original in owner.items() if original == name]
        if len(copies) > 1 and all(gradients[copy].shape == got.shape for copy in copies):
            branch_sum = total((exact(gradients[copy]) for copy in copies), got.shape)
            branch_set = total((sets[copy] for copy in copies), got.shape)
            what = f"{label}, used {len(copies)} times, against the sum over its branches"
            outcomes.append(difference(what, got, allowed, branch_sum, branch_set, trial.case.dtype))
    return combine(outcomes)


def check(trial: Trial) -> Outcome:
    """Compare a shared input with copies of it, one a use; equal values in distinct inputs stay distinct."""
    outcome = _sum_of_branches(trial)
    twice = joined(trial)
    if twice is not None:
        outcome = combine((outcome, gradients_admissible(twice, twice.pull(), twice.truth()), _sum_of_branches(twice)))
    return outcome
