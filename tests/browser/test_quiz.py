"""The quiz of a circuit's page: by keyboard, on a phone, told at once, and nothing of it is markup."""

from __future__ import annotations

import pytest

import gradlaw

PRODUCT = gradlaw.explain("f = x * y", x=3.0, y=-4.0).html()
HOSTILE = gradlaw.explain("f = x * y  # <img src=x onerror=alert(1)></script>", x=1.0, y=2.0).html()
AGREE = (("0.1875", 1), ("3/16", 1), ("0.188", 1), ("0.19", 0), ("0.2", 0), ("0.1874", 0), ("3/0", 0), ("", 0))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("html", [PRODUCT, HOSTILE], ids=["product", "hostile"])
def test_the_open_quiz_is_sound(show, html, size, scheme):
    opened = show(html, size, scheme)
    opened.page.locator("#predict").click()
    opened.check()


def test_answers_by_keyboard(show, size):
    page = show(PRODUCT, size).page
    page.locator("#predict").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "said"
    assert page.locator("[data-wire].asked").count() == 1
    hidden = page.locator('[data-wire="f.0"] .backward')
    assert "later" in hidden.get_attribute("class")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    assert page.locator("#told").text_content() == "Not yet. Multiply swaps: what arrives, times the other operand."
    page.locator("#said").fill("-4")
    page.keyboard.press("Enter")
    assert page.locator("#told").text_content() == "Right."
    assert "later" not in hidden.get_attribute("class")
    page.keyboard.type("3/1")
    page.keyboard.press("Enter")
    assert page.locator("#told").text_content() == "Right. 1 of 2 at the first attempt, best so far 1."


def test_an_address_opens_the_quiz_with_the_cursor_in_it(show):
    page = show(PRODUCT).page
    address = page.url
    page.goto("about:blank")
    page.goto(f"{address}#said")
    page.keyboard.type("-4")
    page.keyboard.press("Enter")
    assert page.locator("#told").text_content() == "Right."


def test_a_gradient_is_shown_on_demand(show):
    page = show(PRODUCT).page
    page.locator("#predict").click()
    page.locator("#reveal").click()
    assert page.locator("#told").text_content() == "It is -4."


def test_digits_count_as_in_a_terminal(show):
    page = show(PRODUCT).page
    for said, right in AGREE:
        assert page.evaluate("(said) => isRight(said, [0.1875])", said) is bool(right), said
