"""``gradlaw sweep``: one primitive at every number of a dtype."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gradlaw.commands.check import check_target
from gradlaw.messages import near
from gradlaw.requests import Limits, Request
from gradlaw_properties import Settings
from gradlaw_properties.laws import all_laws
from gradlaw_spec import Address, SpecError, load_primitives


def sweep_target(target: str, primitive: str, dtype: str, limits: Limits, files: Mapping[str, Path]) -> int:
    """Check a primitive under every campaign that speaks about it; return the exit status.

    Raises SpecError where there is none for that primitive and dtype.
    """
    pages = load_primitives()
    campaigns = [law for law in all_laws().values() if law.sweeps]
    swept = [name for name, page in pages.items() if any(law.applies(page) for law in campaigns)]
    if primitive not in swept:
        expected = "an elementwise primitive of one operand"
        raise SpecError("sweep", f"primitive={primitive!r}", expected, near(primitive, swept))
    chosen = [law for law in campaigns if law.applies(pages[primitive]) and law.judges(dtype)]
    if not chosen:
        dtypes = sorted({name for law in campaigns for name in law.page.dtypes})
        raise SpecError("sweep", f"--dtype={dtype!r}", f"one of {', '.join(dtypes)}", near(dtype, dtypes))
    addresses = tuple(str(Address(primitive, law.page.id, dtype)) for law in chosen)
    return check_target(Request(target=target, addresses=addresses), Settings(), limits, files)
