"""The directive ``circuit``: a formula as an interactive circuit, with its text for those who use no pictures."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

import gradlaw
from gradlaw.circuits.quiz import exercises
from gradlaw.formats import renderer

FOLDER = "circuits"
"""Where circuits are in the book's static files."""
NAME: Final = re.compile(r"(?:^|(?<=\s))([A-Za-z_]\w*)=(?!=)")


def circuits_folder(environment: BuildEnvironment) -> Path:
    """Return the folder that circuits are written to."""
    return Path(environment.srcdir) / "book" / "static" / FOLDER


def forget(application: Sphinx, environment: BuildEnvironment, docname: str) -> None:
    """Remove the circuits of a page that is read anew, or is gone."""
    name = re.compile(rf"{re.escape(docname.replace('/', '-'))}-\d+\.(html|svg)")
    for path in circuits_folder(environment).glob("*"):
        if name.fullmatch(path.name):
            path.unlink()


def read_at(text: str) -> dict[str, str]:
    """Read ``x=3 y=-4`` as values by name, each a text as on the command line; raise ValueError otherwise."""
    names = list(NAME.finditer(text))
    if not names or text[: names[0].start()].strip():
        raise ValueError(f"{text!r} is not name=value")
    ends = [found.start() for found in names[1:]] + [len(text)]
    return {found[1]: text[found.end() : end].strip() for found, end in zip(names, ends, strict=True)}


def read_format(text: str) -> str:
    """Read the format of a circuit."""
    return directives.choice(text, ("html", "svg"))


class Circuit(SphinxDirective):
    """Show a formula at a point: forward values, cotangents that flow back, and both as text."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = False
    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {
        "at": read_at,
        "caption": directives.unchanged_required,
        "format": read_format,
    }

    def run(self) -> list[nodes.Node]:
        """Write the circuit's file and return what stands in the page."""
        formula = self.arguments[0]
        try:
            explanation = gradlaw.explain(formula, at=self.options.get("at", {}))
        except gradlaw.SpecError as error:
            raise self.error(str(error)) from None
        kind = self.options.get("format", "html")
        name = f"{self.env.docname.replace('/', '-')}-{self.env.new_serialno('circuit') + 1}.{kind}"
        content = str(renderer("explanation", kind)(explanation))
        self._write(name, content)
        for folder in ("circuits", "formats"):
            for path in (Path(gradlaw.__file__).parent / folder).rglob("*.*"):
                self.env.note_dependency(str(path))
        address = f"{'../' * self.env.docname.count('/')}_static/{FOLDER}/{name}"
        caption = self.options.get("caption", formula)
        raw = picture(address, formula, caption, kind) + as_text(str(explanation.text()))
        return [nodes.raw("", raw, format="html")]

    def _write(self, name: str, content: str) -> None:
        folder = circuits_folder(self.env)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


class Exercises(SphinxDirective):
    """Show every exercise as a quiz that opens when its reader wants it."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Write a file for each exercise, and return the list."""
        folder = circuits_folder(self.env)
        folder.mkdir(parents=True, exist_ok=True)
        self.env.note_dependency(str(Path(gradlaw.__file__).parent / "circuits" / "exercises.toml"))
        found = []
        for number, one in enumerate(exercises(), 1):
            explanation = gradlaw.explain(one.formula, at=one.at)
            name = f"{self.env.docname.replace('/', '-')}-{number}.html"
            (folder / name).write_text(str(explanation.html()), encoding="utf-8")
            place = f"{'../' * self.env.docname.count('/')}_static/{FOLDER}/{name}"
            at = ", ".join(f"{key} = {value}" for key, value in one.at.items())
            found.append(exercise_block(number, one.formula, at, place))
        return [nodes.raw("", "".join(found), format="html")]


def exercise_block(number: int, formula: str, at: str, address: str) -> str:
    """Return an exercise as a block that is closed at first; its frame is loaded when it is opened."""
    said, point, place = (html.escape(text, quote=True) for text in (formula, at, address))
    frame = f'<iframe src="{place}#said" title="Exercise {number}: {said}" loading="lazy"></iframe>'
    summary = f"<summary>{number}. <code>{said}</code> at {point}</summary>"
    return f'<details class="exercise">{summary}<figure class="circuit">{frame}</figure></details>'


def picture(address: str, formula: str, caption: str, kind: str) -> str:
    """Return the figure of a circuit, with a link that opens it alone."""
    what, place, said = (html.escape(text, quote=True) for text in (f"Circuit of {formula}", address, caption))
    if kind == "svg":
        shown = f'<img src="{place}" alt="{what}; the text form below says the same" loading="lazy">'
    else:
        shown = f'<iframe src="{place}" title="{what}" loading="lazy"></iframe>'
    opened = f'<a href="{place}">Open the circuit alone</a>'
    return f'<figure class="circuit">{shown}<figcaption>{said} {opened}</figcaption></figure>'


def as_text(text: str) -> str:
    """Return the text form of a circuit in a block that is closed at first."""
    return f'<details class="circuit"><summary>The circuit as text</summary><pre>{html.escape(text)}</pre></details>'


def setup(application: Sphinx) -> None:
    """Add the directive."""
    application.add_directive("circuit", Circuit)
    application.add_directive("exercises", Exercises)
    application.connect("env-purge-doc", forget)
