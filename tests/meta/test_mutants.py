"""Every law kills each mutant that it claims, at five seeds, within the default number of examples."""

from __future__ import annotations

import pytest
from adverse import of_formulas

from gradlaw_properties.examine import Settings, Unit, examine, replay
from gradlaw_properties.laws import all_laws
from gradlaw_properties.mutants import Mutant, all_mutants, sign_flip
from gradlaw_spec import PROGRAM, Verdict, decode_witness, encode_witness, load_primitives

SEEDS = (0, 1, 2, 3, 4)
CLAIMS = [(law, mutant) for law, runnable in all_laws().items() for mutant in runnable.mutants]
SEEDED = [
    pytest.param(law, mutant, seed, id=f"{law}-kills-{mutant.name}-{seed}")
    for law, mutant in CLAIMS
    for seed in (SEEDS if all_laws()[law].cases is None else SEEDS[:1])  # a law's own cases are the same at every seed
]


@pytest.mark.parametrize(("law", "mutant", "seed"), SEEDED)
def test_law_kills_mutant(law: str, mutant: Mutant, seed: int) -> None:
    page = load_primitives().get(mutant.subject)
    subject = mutant.subject if all_laws()[law].applies(page) else PROGRAM
    unit = Unit(subject, mutant.dtype, (law,))
    (cell,) = examine(unit, mutant.build(), Settings(seed=seed, shrinks=0))
    assert cell.verdict is Verdict.VIOLATION, f"{law} lets {mutant.name} live on {unit.addresses[0]}: {cell.message}"
    assert cell.witness is not None


def test_a_one_step_witness_of_a_program_answers_for_the_program() -> None:
    (cell,) = examine(Unit(PROGRAM, "float64", ("gradient",)), sign_flip.build(), Settings())
    assert cell.witness is not None
    assert len(cell.witness.case.program.steps) == 1
    again = replay(decode_witness(encode_witness(cell.witness)), sign_flip.build())
    assert (again.address, again.verdict) == ("program/gradient@float64", Verdict.VIOLATION)


def test_every_mutant_is_claimed_by_a_law() -> None:
    claimed = {mutant.name for _, mutant in CLAIMS}
    unclaimed = sorted({mutant.name for mutant in all_mutants()} - claimed)
    assert not unclaimed, f"no law claims {unclaimed}: add each to MUTANTS of the law that kills it"


def test_every_law_claims_a_mutant() -> None:
    idle = sorted(law for law, runnable in all_laws().items() if not runnable.mutants)
    assert not idle, f"{idle} kill nothing: write a mutant for each in gradlaw_properties/mutants.py"


def test_the_right_engine_lives() -> None:
    """But for some laws: the formulas are those that the pages teach; some lose digits, or divide infinities.

    In the other dtypes it computes in float64 and rounds once: ``test_adverse`` has one that takes every freedom.
    """
    from gradlaw_properties.engines import reference_target

    target = reference_target()
    cells = [cell for unit in of_formulas(target, "float64") for cell in examine(unit, target, Settings(examples=6))]
    wrong = [f"{cell.address}: {cell.message}" for cell in cells if cell.verdict.is_bad]
    assert not wrong, "\n".join(wrong)
