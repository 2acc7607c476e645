"""Sphinx's settings of the book; what is generated is said in `extensions/gradlaw_book`."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "gradlaw"
author = "the gradlaw contributors"
copyright = author
release = version = installed("gradlaw")

extensions = ["myst_parser", "sphinx.ext.autodoc", "gradlaw_book.extension"]
exclude_patterns = ["_build", "README.md", "extensions"]
myst_enable_extensions = ["colon_fence"]
# Clauses have labels of their own; headings inside of included files are linked by name.
myst_heading_anchors = 3
suppress_warnings: list[str] = []
smartquotes = False
nitpicky = True
# What is documented elsewhere, and names of private modules that stand for a type (aliases have no page).
nitpick_ignore_regex = [
    (r"py:.*", r"(np|numpy|flint|typing|collections|types|pathlib|enum|fractions)\..*"),
    (r"py:.*", r"gradlaw_spec\.loader\.Page"),
    # A signature with a default that is made anew (a factory) is split at every comma.
    (r"py:class", r"(tuple|dict)\[.*"),
    (r"py:class", r"gradlaw_reference\.arithmetic\.protocol\.LocalRules"),
    (r"py:class", r"gradlaw_spec\.target\.(Walks|SecondOrder|ForwardMode|Batched|Overwritten)"),
    (r"py:.*", r"(gradlaw\.circuits\..*)?(Flow|EngineSide)"),
]
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"gradlaw {release}"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
# Other sites are not asked: `-b linkcheck` needs a network. tests/repo/test_docs.py looks at how external addresses are
# written, and check_links.py follows every internal link of the built pages.
