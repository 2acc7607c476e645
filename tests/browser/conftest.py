"""A real browser (Debian's chromium, or the one that GRADLAW_CHROMIUM names), and what every page must satisfy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

SIZES = {"1280": {"width": 1280, "height": 900}, "390": {"width": 390, "height": 844}}


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def check(self) -> None:
        """No message on the console, no request for anything but the page, no sideways scroll, nothing axe finds."""
        assert self.said == []
        assert [url for url in self.asked if not url.startswith(("file:", "data:", "about:"))] == []
        assert len([url for url in self.asked if url.startswith("file:")]) == 1
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(self.page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the browser once."""
    path = os.environ.get("GRADLAW_CHROMIUM") or shutil.which("chromium")
    assert path, "no chromium: apt-get install chromium, or name one in GRADLAW_CHROMIUM"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    """Return a desk's and a phone's size in turn."""
    return SIZES[request.param]


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Return a function that opens a page of HTML at a size, in light or dark colours."""
    contexts = []

    def open_page(html: str, size: dict[str, int] | None = None, scheme: str = "light") -> Opened:
        context = browser.new_context(viewport=size or SIZES["1280"], color_scheme=scheme)
        context.set_default_timeout(10_000)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.said.append(message.text))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.page.on("request", lambda request: opened.asked.append(request.url))
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html)
        opened.page.goto(path.as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()
