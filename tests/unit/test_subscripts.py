"""The labels of axes in a contraction: what fits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import gradlaw_reference
from gradlaw_spec import load_primitives, parse_formula
from gradlaw_spec.subscripts import Subscripts, is_subscripts


def test_labels_have_lengths():
    read = Subscripts.read("bij,bjk->bik")
    assert (read.operands, read.result) == (("bij", "bjk"), "bik")
    assert read.lengths([(2, 3, 4), (2, 4, 5)]) == {"b": 2, "i": 3, "j": 4, "k": 5}


@pytest.mark.parametrize("text", ["ij,jk", "ij->ii", "ij->k", "i j->", "...i->i", "i->i->i", ""])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="subscripts="):
        Subscripts.read(text)


@pytest.mark.parametrize("shapes", [[(2, 3)], [(2, 3), (4, 5)], [(2,), (2, 3)]])
def test_operands_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="shapes="):
        Subscripts.read("ij,jk->ik").lengths(shapes)


def test_a_formula_has_them_as_a_text():
    (step,) = parse_formula("einsum(x, y, subscripts='ij,jk->ik')", ("x", "y"), load_primitives()).steps
    assert step.attributes == {"subscripts": "ij,jk->ik"}
    assert not is_subscripts(1)


@pytest.mark.parametrize("text", ["ijk,kj,i->", "iij->ji", "i,i,i->i", "abc->cab"])
def test_more_operands_and_repeated_labels(text):
    draw = np.random.default_rng(3)
    operands = [draw.integers(-4, 5, (3,) * len(labels)) / 4 for labels in text.partition("->")[0].split(",")]
    found = gradlaw_reference.einsum(operands, subscripts=text)
    assert np.asarray(found).astype(float).tolist() == np.einsum(text, *operands).tolist()
