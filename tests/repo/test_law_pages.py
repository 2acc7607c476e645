"""What a law's page says of its mutants is what its module claims, and the meta tests show."""

from __future__ import annotations

import re

import pytest

from gradlaw_properties.laws import all_laws
from gradlaw_properties.mutants import all_mutants

NAMES = {mutant.name for mutant in all_mutants()}
NAME = re.compile(r"`([a-z0-9^]+(?:-[a-z0-9^]+)+)`|`([a-z]+)`")


@pytest.mark.parametrize("law", sorted(all_laws()))
def test_a_page_names_the_mutants_that_its_law_kills(law: str) -> None:
    runnable = all_laws()[law]
    body = runnable.page.body
    start = re.search(r"\*\*Mutants?\.\*\*", body)
    assert start is not None, f"spec/laws/{law}.md: write a paragraph that begins with **Mutants.**"
    paragraph = body[start.end() :].partition("\n\n")[0]
    hyphenated = {found[0] for found in NAME.findall(paragraph) if found[0]}
    words = {found[1] for found in NAME.findall(paragraph) if found[1]}
    said = hyphenated | (words & NAMES)
    claimed = {mutant.name for mutant in runnable.mutants}
    assert said == claimed, (
        f"spec/laws/{law}.md says that it kills {sorted(said - claimed)}, which MUTANTS of its module does not have; "
        f"and does not name {sorted(claimed - said)}, which it has"
    )
