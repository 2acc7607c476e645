"""Law ``purity``: primals, cotangents and outputs are unchanged by backward."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.trial import Trial
from gradlaw_spec import Array

MUTANTS = (mutants.accumulates_into_cotangent, mutants.overwrites_primal, mutants.overwrites_value)


def check(trial: Trial) -> Outcome:
    """Compare what was handed to the target with what it left behind, and its outputs with what they were before."""
    inputs = tuple(value.copy() for value in trial.inputs)
    cotangents = tuple(cotangent.copy() for cotangent in trial.cotangents)
    made: list[Array] = []
    outputs, _ = trial.run(inputs, cotangents, before=made)
    primals = zip(trial.program.inputs, inputs, trial.inputs, strict=True)
    given = enumerate(zip(cotangents, trial.cotangents, strict=True))
    return combine(
        (
            *(equal(f"primal {name} after backward", now, before, trial.case.dtype) for name, now, before in primals),
            *(
                equal(f"cotangent {position} after backward", now, before, trial.case.dtype)
                for position, (now, before) in given
            ),
            *(
                equal(f"value {name} after backward", now, before, trial.case.dtype)
                for name, now, before in zip(trial.program.outputs, outputs, made, strict=True)
            ),
        )
    )
