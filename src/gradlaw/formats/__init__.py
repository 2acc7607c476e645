"""Formats: what is found, compared or explained, as files for people and for machines.

A module ``gradlaw.formats.<what>.<format>`` is a format if it has two names: ``FORMAT``, which says in one line what
the file is, and ``render``, which makes it of the thing (a report, a matrix, an explanation). The command line offers
what the folder has, so that a format is one file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, cast

MARK: Final = re.compile(r'^FORMAT: Final = "(.+)"$', re.MULTILINE)
EXTRAS: Final = {"report": "report", "matrix": "report", "explanation": "explain"}
"""The extra of the distribution that a kind of formats needs."""
OPTIONAL: Final = ("jinja2", "junitparser", "pygraphviz", "resvg_py")
"""The modules that come with an extra."""
Renderer = Callable[..., str | bytes]
"""Makes a file's content of a thing; text is UTF-8. A report's takes ``strict`` too: a SHOULD law fails it."""


@cache
def formats(what: str) -> Mapping[str, str]:
    """Return the formats of a ``report``, a ``matrix`` or an ``explanation``, each with what its file is.

    The line is read off the source, and nothing is imported: worker processes, which read the command line's
    options too, must start quickly.
    """
    sources = {
        path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / what).glob("*.py"))
    }
    return {name: found[1] for name, source in sources.items() if (found := MARK.search(source))}


def renderer(what: str, name: str) -> Renderer:
    """Return the function that renders a thing in a format.

    Raises SpecError for an unknown format, with near names, and where what it needs is not installed, with the extra.
    """
    from gradlaw.messages import near  # here, since whoever reads the options alone starts quickly
    from gradlaw_spec import SpecError

    known = formats(what)
    if name not in known:
        raise SpecError(what, f"--format={name!r}", f"one of {', '.join(known)}", near(name, known))
    try:
        module = import_module(f"{__name__}.{what}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        found = f"no {error.name}, which the format {name} needs"
        raise SpecError(what, found, "it to be installed", f"Run: pip install 'gradlaw[{EXTRAS[what]}]'") from None
    return cast(Renderer, module.render)


def rendered(what: str, name: str, thing: object, **options: object) -> bytes:
    """Return what a file of a format has in it."""
    content = renderer(what, name)(thing, **options)
    return content if isinstance(content, bytes) else content.encode()
