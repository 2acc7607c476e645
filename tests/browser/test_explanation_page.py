"""The page of ``gradlaw explain --format html``: one steps through the backward pass."""

from __future__ import annotations

import pytest

import gradlaw

STAGED = gradlaw.explain("f = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)", x=3.0, y=-4.0).html()
SWEPT = gradlaw.explain("f = maximum(x, y) * 2", {"x": "-1:1:5", "y": "0"}).html()
HOSTILE = gradlaw.explain("f = x * y  # <img src=x onerror=alert(1)></script><script>alert(2)</script>", x=1.0, y=2.0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("html", [STAGED, SWEPT, HOSTILE.html()], ids=["staged", "swept", "hostile"])
def test_pages_are_sound(show, html, size, scheme):
    show(html, size, scheme).check()


def visible(page, kind):
    return page.locator(f"[data-wire] .{kind}:not(.later)").count()


def test_the_stepper_walks_wire_by_wire(show):
    page = show(STAGED).page
    wires = page.locator("[data-wire]").count()
    assert visible(page, "backward") == 0
    page.locator("#stage").focus()
    page.keyboard.press("End")
    assert visible(page, "backward") == visible(page, "forward") == wires
    page.keyboard.press("ArrowLeft")
    assert visible(page, "backward") == wires - 1
    page.keyboard.press("Home")
    assert page.locator("#caption").text_content() == "Forward. Given: x = 3, y = -4."
    page.locator("#next").click()
    assert page.locator("#caption").text_content() == "Forward: t1 = sigmoid(y) = 0.0179862."


def test_arrow_keys_walk_from_anywhere(show):
    page = show(STAGED).page
    page.locator("#stage").focus()
    page.keyboard.press("Home")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#place").text_content().startswith("1 of")


def test_the_page_starts_behind_the_forward_pass(show):
    page = show(STAGED).page
    wires = page.locator("[data-wire]").count()
    assert (visible(page, "forward"), visible(page, "backward")) == (wires, 0)
    page.locator("#next").click()
    assert visible(page, "backward") == 1


def test_the_sum_is_told_where_branches_meet(show):
    page = show(STAGED).page
    page.locator("#stage").focus()
    page.keyboard.press("End")
    assert "Branches add: dy = 1.58319 + 0.00904586 = 1.59223." in page.locator("#caption").text_content()
    assert page.locator('[data-box="x"] .backward').text_content() == "Σ ◂ 2.06"


def test_max_switches_its_route_along_a_range(show):
    page = show(SWEPT).page
    share = page.locator('[data-wire="t1.0"] .backward')
    page.locator("#point").focus()
    page.keyboard.press("Home")
    assert page.locator("#where").text_content() == "x = -1"
    assert share.text_content() == "◂ 0"
    page.keyboard.press("End")
    assert share.text_content() == "◂ 2"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#where").text_content() == "x = 0"
    assert share.text_content() == "◂ 1"


def test_a_matrix_has_a_line_for_each_row_also_behind_a_point_where_nothing_flows(show):
    swept = gradlaw.explain("f = sum(where(x > 0, X * x, 0))", {"x": "-1:1:2", "X": "[[1, 2], [3, 4]]"})
    opened = show(swept.html())
    opened.check()
    page = opened.page
    lines = page.locator('[data-box="X"] .backward tspan')
    page.locator("#point").focus()
    for key, shown in (("Home", ["0", "0"]), ("End", ["1", "1"])):
        page.keyboard.press(key)
        texts = [text.replace("\xa0", " ") for text in lines.all_text_contents()]
        assert texts == [f"◂ [[{shown[0]}, {shown[0]}],", f"   [{shown[1]}, {shown[1]}]]"]
    assert len({line.get_attribute("y") for line in lines.all()}) == 2


def test_the_keyboard_goes_through_in_reading_order(show):
    page = show(SWEPT).page
    places = []
    for _ in range(8):
        page.keyboard.press("Tab")
        places.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert places == ["DIV", "previous", "next", "stage", "point", "predict", "SUMMARY", "SUMMARY"]


def test_a_narrow_page_scrolls_to_where_one_is(show):
    page = show(STAGED, {"width": 390, "height": 844}).page
    page.locator("#stage").focus()
    page.keyboard.press("End")
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    box, frame = page.locator(".now").last.bounding_box(), page.locator(".figure").bounding_box()
    assert frame["x"] <= box["x"] + box["width"] / 2 <= frame["x"] + frame["width"]
