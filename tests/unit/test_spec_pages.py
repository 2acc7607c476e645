"""``gradlaw spec``: every page of the law book by its name."""

from __future__ import annotations

from typing import get_args

import pytest

from gradlaw.reports.pages import pages_of
from gradlaw_spec import SpecError, load_chapters, load_laws, load_pages
from gradlaw_spec.attributes import MEANINGS, AttributeKind


@pytest.mark.parametrize("name", [*load_pages(), *load_laws(), *load_chapters()])
def test_every_page_is_found_by_its_name(name: str) -> None:
    (page,) = pages_of(name)
    assert page.startswith("# ")
    assert len(page.splitlines()) > 5


def test_a_function_is_told_from_a_primitive() -> None:
    assert "no engine needs to have it" in pages_of("unreduce")[0]
    assert "Level array" in pages_of("sum")[0]
    with pytest.raises(SpecError, match="unreduce"):
        pages_of("unreduced")


def test_a_page_says_how_its_primitive_is_called_and_with_what() -> None:
    (page,) = pages_of("roll")
    assert "- call: `roll(x, shift=…, axis=…)`" in page
    assert "- attribute `axis` (optional-axes): an integer, a tuple of them, or None for all" in page
    assert set(MEANINGS) == set(get_args(AttributeKind))
