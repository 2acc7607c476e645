"""Random input for each reader: taken, or refused in one line."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, seed, settings
from readers import READERS, refused


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_or_refuses(name: str) -> None:
    strategy, read = READERS[name]
    seen: set[bool] = set()

    @seed(8)
    @settings(max_examples=500, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def test(content: object) -> None:
        seen.add(refused(read, content))

    test()
    assert True in seen


def test_every_reader_takes_what_is_right() -> None:
    right = {"expression": "f = x * y", "at": "x=[1, 2]", "address": "add/gradient@float64"}
    for name, text in right.items():
        assert not refused(READERS[name][1], text)
    import json

    from readers import KNOWN, REPORT, RESULTS, WITNESS, toml

    for name, content in (("witness", WITNESS), ("program", WITNESS["program"]), ("report", REPORT)):
        assert not refused(READERS[name][1], json.dumps(content).encode())
    for name, content in (("results", RESULTS), ("known", KNOWN)):
        lines = "\n".join(f"{key} = {toml(value)}" for key, value in content.items())
        assert not refused(READERS[name][1], lines.encode())
