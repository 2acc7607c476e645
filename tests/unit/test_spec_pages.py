"""``gradlaw spec``: every page of the law book by its name."""

from __future__ import annotations

import pytest

from gradlaw.reports.pages import pages_of
from gradlaw_spec import SpecError, load_chapters, load_laws, load_pages


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
