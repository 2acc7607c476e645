"""Signatures: which lengths of vectors and matrices agree."""

from __future__ import annotations

import numpy as np
import pytest

from gradlaw_properties.strategies.layouts import layouts
from gradlaw_reference import apply
from gradlaw_spec import DTYPES, Signature, SpecError, load_primitives, read_page

MATMUL = Signature.read("(m?,k),(k,n?)->(m?,n?)")


def test_a_signature_is_read_and_written() -> None:
    assert MATMUL.operands == (("m?", "k"), ("k", "n?"))
    assert MATMUL.results == (("m?", "n?"),)
    assert str(MATMUL) == "(m?,k),(k,n?)->(m?,n?)"
    assert (MATMUL.lengths, MATMUL.optional) == (("m", "k", "n"), ("m", "n"))
    assert Signature.read("( n , n ) -> ()") == Signature((("n", "n"),), ((),))


@pytest.mark.parametrize(
    "text", ["", "(m,n)", "(m,n)->", "m,n->n", "(m,)->(m)", "(m)(n)->(m)", "(m)->(n)->(m)", "(1)->()"]
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="signature"):
        Signature.read(text)


def test_a_length_may_be_a_number() -> None:
    cross = Signature.read("(3),(3)->(3)")
    assert (str(cross), cross.lengths, cross.shapes({})) == ("(3),(3)->(3)", (), ((3,), (3,)))
    assert cross.agrees(((3,), (5, 3)))
    assert not cross.agrees(((2,), (2,)))


def test_shapes_have_the_lengths_and_lack_what_is_missing() -> None:
    assert MATMUL.shapes({"m": 2, "k": 3, "n": 4}) == ((2, 3), (3, 4))
    assert MATMUL.shapes({"k": 3, "n": 4}) == ((3,), (3, 4))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("(n),(n)->()", ((), (1,))),
        ("(n),(n)->()", ((1,), (3,))),
        ("(m?,k),(k,n?)->(m?,n?)", ((2, 3), (2, 3))),
        ("(n,n)->()", ((2, 3),)),
        ("(n,n)->()", ((3,),)),
    ],
)
def test_lengths_of_one_name_are_equal(text: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    assert not Signature.read(text).agrees(shapes)


@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (5, 3, 2)), ((4, 2, 3), (3, 7)), ((0,), (0, 2))]
)
def test_missing_axes_and_batches_fit(shapes: tuple[tuple[int, ...], ...]) -> None:
    assert MATMUL.agrees(shapes)


@pytest.mark.parametrize("shapes", [((), (1,)), ((1,), (3,))])
def test_the_reference_refuses_operands_that_do_not_fit(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(SpecError, match=r"vecdot: found shapes=.*; expected last axes that fit \(n\),\(n\)->\(\)"):
        apply("vecdot", tuple(np.ones(shape) for shape in shapes))


@pytest.mark.parametrize("name", [name for name, page in load_primitives().items() if page.shapes == "signature"])
def test_layouts_agree_with_the_signature(name: str) -> None:
    """Batched, without optional axes, with lengths 0, 1 and several: all over some runs."""
    page = load_primitives()[name]
    found = {
        tuple({slot.name: slot.shape for slot in layout.slots}[item] for item in layout.operands)
        for seed in range(8)
        for layout in layouts(page, tuple(DTYPES), scalar=False, seed=seed)
    }
    least = [len(one) for one in page.signature.operands]
    assert any(len(shapes[0]) > least[0] for shapes in found), "no batch"
    assert any(0 in shape for shapes in found for shape in shapes)
    assert any(1 in shape for shapes in found for shape in shapes)
    shorter = [len(shape) < count for shapes in found for shape, count in zip(shapes, least, strict=True)]
    assert any(shorter) or not page.signature.optional
    if page.pattern == "matrix-shapes":
        np_shapes = [np.matmul(np.zeros(first), np.zeros(second)).shape for first, second in found]
        assert any(len(shape) == 0 for shape in np_shapes)


def test_a_page_with_a_wrong_signature_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = "+++\nname = 'x'\nsignature = '(m,n'\n+++\n"
    (tmp_path / "x.md").write_text(text)
    from gradlaw_spec import Primitive

    with pytest.raises(SpecError, match="signature"):
        read_page(tmp_path / "x.md", Primitive)
