"""Law ``hessian-symmetry``: ⟨u, H v⟩ agrees with ⟨v, H u⟩."""

from __future__ import annotations

from functools import reduce

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, difference
from gradlaw_properties.laws.common import exact
from gradlaw_properties.needs import DIFFERENTIATES_PULLBACKS, SOME_CASES
from gradlaw_properties.trial import Cotangents, Trial
from gradlaw_reference import Data
from gradlaw_spec import Primitive

MUTANTS = (mutants.first_row_doubled,)
NEEDS = (DIFFERENTIATES_PULLBACKS, SOME_CASES)


def applies(page: Primitive | None) -> bool:
    """Whether there are several operands, so that there is something off the diagonal, or several elements of one."""
    return page is None or page.shapes != "elementwise" or len(page.operands) > 1


def check(trial: Trial) -> Outcome:
    """Compare the two products for random directions; each may be as far off as the gradients in it."""
    draw = trial.random
    first, second = trial.directions(draw), trial.directions(draw)
    one, one_set = _product(trial, first, second)
    other, other_set = _product(trial, second, first)
    return difference("⟨u, H v⟩", one, one_set, other, other_set, trial.case.dtype)


def _product(trial: Trial, directions: Cotangents, others: Cotangents) -> tuple[Data, Data]:
    """Return the product of what directions give the inputs with other directions: the engine's, and its set."""
    found, sets = trial.second(directions)
    return _dot(others, tuple(map(exact, found))), _dot(others, sets)


def _dot(factors: Cotangents, values: tuple[Data, ...]) -> Data:
    pairs = zip(factors, values, strict=False)  # cotangents come after the inputs
    terms = [term for factor, value in pairs for term in np.ravel(exact(factor) * value).tolist()]
    result = np.empty((), dtype=object)
    result[()] = reduce(arb.__add__, terms, arb(0))
    return result
