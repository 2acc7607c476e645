"""References that need help: links in the repository's own files, and names of the API by where they are public."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PAGES: Final = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks": "benchmarks.md",
    "known": "book/engines/index.md",
    "spec": "book/chapters/index.md",
}
"""Files and folders of the repository that have a page in the book."""
LINK: Final = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)#:]+)\)")
PACKAGES: Final = ("gradlaw", "gradlaw_properties", "gradlaw_reference", "gradlaw_spec")


def book_links(text: str) -> str:
    """Return a file of the repository with its relative links leading to pages of the book, or else nowhere."""

    def changed(found: re.Match[str]) -> str:
        page = PAGES.get(found["target"].rstrip("/"))
        return f"[{found['text']}]({page})" if page else f"`{found['target']}`"

    return LINK.sub(changed, text)


def on_include(application: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Change the links of what a page includes from outside of the documentation."""
    if not (application.srcdir / path).resolve().is_relative_to(application.srcdir.resolve()):
        content[0] = book_links(content[0])


def public_name(target: str, known: frozenset[str] | set[str]) -> str | None:
    """Return the documented name of something that annotations name by the module that defines it."""
    package, dot, _ = target.partition(".")
    if dot and package not in PACKAGES:
        return None
    last = target.rpartition(".")[2]
    candidates = [f"{package}.{last}", *(f"{name}.{last}" for name in PACKAGES)]
    return next((name for name in candidates if name in known), None)


def on_missing(
    application: Sphinx, environment: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Resolve a reference to a private module's name to the public one."""
    if node.get("refdomain") != "py":
        return None
    domain = environment.domains.python_domain
    name = public_name(node["reftarget"], set(domain.objects))
    if name is None:
        return None
    return domain.resolve_xref(environment, node.get("refdoc", ""), application.builder, "obj", name, node, content)


def setup(application: Sphinx) -> None:
    """Connect both."""
    application.connect("include-read", on_include)
    application.connect("missing-reference", on_missing)
