"""The committed JSON schemas are those that the types make."""

from __future__ import annotations

import msgspec
import pytest

from gradlaw_spec import book
from gradlaw_spec.schemas import schemas, write_schemas

CURE = "run `python -m gradlaw_spec.schemas` and commit spec/schemas"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_committed_schema_is_the_generated_one(name):
    path = book() / "schemas" / name
    assert path.is_file(), f"{path} is missing: {CURE}"
    assert path.read_bytes() == schemas()[name], f"{path} differs from the types: {CURE}"


def test_no_other_schemas():
    committed = {path.name for path in (book() / "schemas").glob("*")}
    assert committed == set(schemas()), f"spec/schemas has other files than the types make: {CURE}"


def test_every_reference_resolves():
    for name, text in schemas().items():
        schema = msgspec.json.decode(text)
        for reference in _references(schema):
            place = schema
            for part in reference.removeprefix("#/").split("/"):
                assert part in place, f"{name}: {reference} leads nowhere"
                place = place[part]


def _references(schema):
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def test_writing_makes_the_folder(tmp_path):
    written = write_schemas(tmp_path / "new" / "schemas")
    assert {path.name: path.read_bytes() for path in written} == schemas()
