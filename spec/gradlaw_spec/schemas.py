"""JSON schemas of the nouns, generated from the types; ``python -m gradlaw_spec.schemas`` writes them.

A page's schema describes its front matter with the page's text as ``body``; those of program and witness describe
the JSON that they are written in, for readers in any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from gradlaw_spec.law import Chapter, Law
from gradlaw_spec.loader import book
from gradlaw_spec.primitive import Function, Primitive
from gradlaw_spec.written import WrittenProgram, WrittenWitness

NOUNS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "primitive": Primitive,
        "function": Function,
        "law": Law,
        "chapter": Chapter,
        "program": WrittenProgram,
        "witness": WrittenWitness,
    }
)
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, bytes]:
    """Return the JSON schema of each noun by file name, as indented JSON."""
    return {f"{name}.json": _schema(name, noun) for name, noun in NOUNS.items()}


def _schema(name: str, noun: type) -> bytes:
    # What a page writes as text (an interval, a kink's place) is a string.
    described = msgspec.json.schema(noun, schema_hook=lambda kind: {"type": "string"})
    schema = {"$schema": DIALECT, "title": f"gradlaw {name}", **described}
    return msgspec.json.format(msgspec.json.encode(_tidy(schema)), indent=2) + b"\n"


def _tidy(schema: Any) -> Any:
    """Write what all versions write: Python 3.13 strips a docstring's indentation, msgspec 0.23 has empty defaults."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(value) for key, value in schema.items() if (key, value) != ("default", {})}
    if isinstance(tidy.get("description"), str):
        tidy["description"] = " ".join(tidy["description"].split())
    return tidy


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write every schema into a folder and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, schema in schemas().items():
        path = folder / name
        path.write_bytes(schema)
        paths.append(path)
    return tuple(paths)


def main() -> None:
    """Write the schemas into the law book, and say where."""
    for path in write_schemas(book() / "schemas"):
        print(path)


if __name__ == "__main__":
    main()
