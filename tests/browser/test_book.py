"""The built book, where there is one (``tox -e docs`` builds it): its pages, and the circuits in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

BUILT = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = (
    *(
        "index",
        "patterns",
        "tutorial",
        "admissible-sets",
        "explain",
        "learn/network",
        "learn/arrays",
        "learn/exercises",
    ),
    *("book/primitives/tanh", "book/laws/linearity", "book/chapters/scope"),
)

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="no book: tox -e docs builds it")


@pytest.fixture
def read(browser, size):
    """Open pages of the book, one after the other, and return them with what they asked for."""
    pages = []

    def open_page(name):
        page = browser.new_page(viewport=size)
        pages.append(page)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((BUILT / f"{name}.html").as_uri())
        return page, asked

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("name", PAGES)
def test_pages_ask_for_nothing_and_can_be_used_by_all(read, name):
    page, asked = read(name)
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # axe-core reaches into frames only where pages share an origin, which files do not: circuits have their own test.
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []


def test_a_circuit_in_the_book_steps(read):
    page, _ = read("patterns")
    frame = page.frame_locator("iframe").first
    frame.locator("#stage").focus()
    page.keyboard.press("End")
    assert frame.locator("[data-wire] .backward.later").count() == 0
