"""The pages of ``gradlaw check --html`` and ``gradlaw compare --html``: they filter, search, copy, and escape."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradlaw.formats.matrix import html as matrix_html
from gradlaw.formats.report import html
from gradlaw.formats.report import json as plain
from gradlaw.reports import matrix as compare
from gradlaw.reports.report import Engine, make_report
from gradlaw_properties import Settings, examine, plan
from gradlaw_properties.engines import reference_target
from gradlaw_properties.mutants import doubled
from gradlaw_spec import Cell, Verdict

HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'


def cells_of(target, addresses) -> list[Cell]:
    chosen = Settings(examples=5)
    return [cell for unit in plan(target, addresses) for cell in examine(unit, target, chosen)]


def made(cells, name="engine"):
    return make_report("0.1.0", Engine(name, "1.0"), 0, cells)


@pytest.fixture(scope="module")
def wrong() -> list[Cell]:
    """The cells of an engine that doubles its gradients."""
    found = cells_of(doubled.build(), ["program/*@float64"])
    found = [replace(cell, script="print('seen')") if cell.verdict is Verdict.VIOLATION else cell for cell in found]
    return found + cells_of(reference_target(), ["tanh/*", "matmul/*"])


@pytest.fixture(scope="module")
def page(wrong) -> str:
    return html.render(made(wrong), strict=False).decode()


@pytest.fixture(scope="module")
def matrix(wrong, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("reports")
    reports = {"engine": wrong, "reference": cells_of(reference_target(), ["tanh/*", "add/*"])}
    for name, cells in reports.items():
        (folder / f"{name}.json").write_bytes(plain.render(made(cells, name), strict=False))
    paths = [folder / f"{name}.json" for name in reports]
    return matrix_html.render(compare.make_matrix(tuple((path, plain.read(path)) for path in paths))).decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_sound(show, page, size, scheme):
    opened = show(page, size, scheme)
    opened.page.locator("details.told > summary").first.click()
    opened.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_matrix_is_sound(show, matrix, size, scheme):
    show(matrix, size, scheme).check()


def test_what_an_engine_says_is_never_markup(show, wrong):
    bad = [
        replace(cell, message=HOSTILE, script=HOSTILE) if cell.verdict is Verdict.VIOLATION else cell for cell in wrong
    ]
    opened = show(html.render(make_report(HOSTILE, Engine(HOSTILE, HOSTILE), 0, bad), strict=False).decode())
    assert opened.page.locator("img").count() == 0
    opened.check()


def shown(page) -> int:
    return page.locator("[data-item]:visible").count()


def test_filters_and_search_narrow(show, page):
    opened = show(page).page
    everything = shown(opened)
    opened.locator("select[name=verdict]").select_option("violation")
    violations = shown(opened)
    assert 0 < violations < everything
    opened.locator("select[name=verdict]").select_option(index=0)
    assert shown(opened) == everything
    opened.locator("select[name=law]").select_option("linearity")
    assert 0 < shown(opened) < everything
    opened.get_by_role("button", name="Show all").click()
    opened.locator("input[type=search]").fill("matmul")
    assert 0 < shown(opened) < everything


def test_the_script_is_copied(show, page):
    opened = show(page).page
    opened.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    opened.locator("details.told > summary").first.click()
    opened.get_by_role("button", name="Copy script").first.click()
    assert opened.evaluate("window.copied").strip() == "print('seen')"


def test_the_matrix_filters_by_law(show, matrix):
    opened = show(matrix).page
    row = opened.locator("tbody tr:visible", has_text="tanh")
    before = row.text_content()
    opened.locator("select[name=law]").select_option("linearity")
    assert row.text_content() != before
    opened.locator("input[type=search]").fill("tanh")
    assert opened.locator("tbody tr:visible").count() == 1
