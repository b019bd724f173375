"""What only a browser can show: addresses, dialogs, downloads, widths, and a run published meanwhile."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards import numbers
from tests.browser.app_server import STILL
from tests.browser.conftest import OpenPage, settle
from throughline import publish, warehouse
from throughline.home import Home

PAGES = (
    "/",
    "/exceptions",
    "/close",
    "/collections",
    "/backlog",
    "/wip",
    "/margin",
    "/revenue",
    "/handoff",
    "/utilisation",
)
# a page of tables
CARDLESS = ("/close",)


def card(page: Page, label: str) -> str:
    """The value on the card with this label."""
    found = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return found.get_by_test_id("stMetricValue").inner_text()


def cards(page: Page) -> list[str]:
    return page.get_by_test_id("stMetricValue").all_inner_texts()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def choose(page: Page, label: str, option: str) -> None:
    """Picks an option of a select box by its words."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def choose_in(page: Page, label: str, option: str) -> None:
    """Picks an option of a select box in the open dialog."""
    page.get_by_role("dialog").get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def shows_run(page: Page, run_id: str) -> None:
    """The status strip names the run."""
    expect(page.locator(".st-key-status_strip")).to_contain_text(f"Run {run_id}")


def shared(page: Page) -> str:
    """The address behind "Copy link"."""
    page.get_by_role("button", name="Copy link").click()
    return page.get_by_test_id("stCode").first.inner_text().strip()


def test_a_deep_link_shows_the_same_numbers_and_run(visit: OpenPage, runs: list[str]) -> None:
    author = visit("/?period=YTD")
    choose(author, "Scope", "Practice: Cloud and Platforms")
    choose(author, "Compare with", "Prior year")
    assert query(author) == {"period": ["YTD"], "scope": ["PRACTICE:CLOUD"], "cmp": ["PY"]}
    link = urlparse(shared(author))
    assert parse_qs(link.query)["run"] == [runs[-1]]
    reader = visit(f"{link.path}?{link.query}", fresh=True)
    assert cards(reader) == cards(author)
    shows_run(reader, runs[-1])
    assert cards(reader) != cards(visit("/"))


def test_a_link_to_an_earlier_run_shows_that_run(visit: OpenPage, runs: list[str]) -> None:
    page = visit(f"/?run={runs[0]}")
    shows_run(page, runs[0])
    page.get_by_role("button", name="Show the new run").click()
    shows_run(page, runs[-1])


@pytest.mark.parametrize("metric", ["recognised_revenue", "total_backlog"])
def test_the_rows_of_a_card_sum_to_it(visit: OpenPage, published: Home, metric: str) -> None:
    page = visit("/")
    box = page.locator(f".st-key-card_{metric}")
    said = box.get_by_test_id("stMetricValue").inner_text()
    box.get_by_role("button", name="Rows").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Ties to the cent")).to_be_visible()
    total = card(page, "Rows add up to")
    assert total == card(page, "The page says")
    assert numbers.money(Decimal(total.replace(",", ""))) == said
    with page.expect_download() as downloading:
        dialog.get_by_role("button", name="All rows as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(downloading.value.path()).read_text())))
    assert rows
    assert numbers.full_money(sum((Decimal(r["amount_rc"]) for r in rows), Decimal(0))) == total


# label, metric, its one period (None: the period asked for), how it is shown
Shown = tuple[str, str, str | None, Callable[[Decimal | None], str]]
OWED: tuple[Shown, ...] = (
    ("Receivables", "ar_gross", "POINT", numbers.money),
    ("Overdue", "ar_overdue", "POINT", numbers.money),
    ("Unapplied cash", "unapplied_cash", "POINT", numbers.money),
    ("Cash received", "cash_received", None, numbers.money),
    ("DSO (count-back)", "dso_countback", "POINT", numbers.days),
    ("Best possible DSO", "dso_best_possible", "POINT", numbers.days),
    ("Average days delinquent", "average_days_delinquent", "POINT", numbers.days),
    ("Collection effectiveness", "collection_effectiveness", "MONTH", numbers.percent),
)
LEFT: tuple[Shown, ...] = (
    ("Backlog", "total_backlog", "POINT", numbers.money),
    ("Scheduled", "scheduled_backlog", "POINT", numbers.money),
    ("Tentatively scheduled", "soft_backlog", "POINT", numbers.money),
    ("Not scheduled", "unscheduled_backlog", "POINT", numbers.money),
    ("Months of cover", "backlog_cover", "POINT", numbers.months),
    ("Signed", "gross_bookings", None, numbers.money),
    ("Cancelled or cut", "debookings", None, numbers.money),
    ("Delivered", "recognised_revenue", None, numbers.money),
)
EARNED: tuple[Shown, ...] = (
    ("Work done, not invoiced", "wip_operational", "POINT", numbers.money),
    ("WIP days", "wip_days", "POINT", numbers.days),
    ("Unbilled receivables", "unbilled_receivable", "POINT", numbers.money),
    ("Contract assets", "contract_asset", "POINT", numbers.money),
    ("Deferred revenue", "contract_liability", "POINT", numbers.money),
    ("Net contract position", "net_contract_position", "POINT", numbers.money),
    ("Revenue", "recognised_revenue", None, numbers.money),
    ("Billed", "billed", None, numbers.money),
)


@pytest.mark.parametrize(
    ("path", "largest_of", "shown", "with_rows"),
    [
        ("/collections", "ar_overdue", OWED, ("ar_overdue", "cash_received")),
        ("/backlog", "scheduled_backlog", LEFT, ("scheduled_backlog", "total_backlog")),
        ("/wip", "unbilled_receivable", EARNED, ("unbilled_receivable", "wip_operational")),
    ],
    ids=["collections", "backlog", "wip"],
)
def test_a_pages_numbers_are_their_rows_their_sql_and_their_file(
    visit: OpenPage,
    published: Home,
    path: str,
    largest_of: str,
    shown: tuple[Shown, ...],
    with_rows: tuple[str, ...],
) -> None:
    """Three combinations of filters; every card beside SQL, two of them beside their rows and their file."""
    with warehouse.open_published(published) as connection:

        def sql(metric: str, period: str, as_of: object, grain: str, where: str) -> Decimal | None:
            found = connection.execute(
                "select value from marts.metric_value where metric_id = ? and period_type = ? and as_of = ? "
                f"and grain = ? and currency_view in ('RC', 'NA') and {where}",
                [metric, period, as_of, grain],
            ).fetchone()
            return found[0] if found else None

        places: list[tuple[str, object, str, str, str]] = []
        for grain, period, back in (
            ("FIRM", "QUARTER", 0),
            ("LEGAL_ENTITY", "YTD", 0),
            ("CUSTOMER", "MONTH", 1),
        ):
            found = connection.execute(
                "select as_of, legal_entity_id, customer_id from marts.metric_value "
                "where metric_id = ? and grain = ? and currency_view = 'RC' "
                "and as_of = last_day(as_of) and value > 0 order by as_of desc, value desc offset ? limit 1",
                [largest_of, grain, back],
            ).fetchone()
            assert found is not None
            as_of, entity, customer = found
            member = {"FIRM": "ALL", "LEGAL_ENTITY": entity, "CUSTOMER": customer}[grain]
            where = "true" if grain == "FIRM" else f"{grain.lower()}_id = '{member}'"
            query = f"?asof={as_of}&period={period}&scope={grain}:{member}"
            places.append((query, as_of, grain, period, where))
        periods = {metric: asked for _, metric, asked, _ in shown}
        for query, as_of, grain, period, where in places:
            page = visit(f"{path}{query}")
            for label, metric, asked, text in shown:
                value = sql(metric, asked or period, as_of, grain, where)
                if value is None and text is numbers.money:
                    value = Decimal(0)
                assert card(page, label) == text(value), (query, label)
            for metric in with_rows:
                page.locator(f".st-key-card_{metric}").get_by_role("button", name="Rows").click()
                dialog = page.get_by_role("dialog")
                expect(dialog.get_by_text("Ties to the cent")).to_be_visible()
                if card(page, "Rows") != "0":
                    with page.expect_download() as downloading:
                        dialog.get_by_role("button", name="All rows as CSV").click()
                    rows = list(csv.DictReader(io.StringIO(Path(downloading.value.path()).read_text())))
                    total = sum((Decimal(r["amount_rc"]) for r in rows), Decimal(0))
                    told = sql(metric, periods[metric] or period, as_of, grain, where)
                    assert total == told, (query, metric)
                dialog.get_by_role("button", name="Close", exact=True).click()
                expect(dialog).to_be_hidden()


def test_the_rows_of_a_bar_sum_to_it(visit: OpenPage) -> None:
    page = visit("/")
    page.locator(".st-key-chart_backlog_bridge").get_by_role("button", name="Rows").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Ties to the cent")).to_be_visible()
    level = card(page, "The page says")
    choose_in(page, "Step", "Signed")
    expect(dialog.get_by_test_id("stMetricValue").nth(2)).not_to_have_text(level)
    expect(dialog.get_by_text("Ties to the cent")).to_be_visible()
    # a button that is put up anew while it is clicked hears nothing of it
    settle(page)
    total = card(page, "Rows add up to")
    assert total == card(page, "The page says")
    with page.expect_download() as downloading:
        dialog.get_by_role("button", name="All rows as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(downloading.value.path()).read_text())))
    assert numbers.full_money(sum((Decimal(r["amount"]) for r in rows), Decimal(0))) == total


def test_a_trust_mark_leads_to_exactly_its_cases(visit: OpenPage) -> None:
    page = visit("/?period=YTD")
    mark = page.locator(".st-key-trust_total_backlog").get_by_role("link")
    count = int(mark.inner_text().split("·")[1].split()[0])
    mark.click()
    expect(page.get_by_role("heading", name="Reconciliation exceptions")).to_be_visible()
    settle(page)
    expect(page.get_by_role("heading", name=f"{numbers.counted(count, 'case')} in the queue")).to_be_visible()
    assert query(page)["period"] == ["YTD"]
    assert query(page)["sev"] == ["S1;S2"]


def test_rows_open_by_keyboard_with_the_focus_seen(visit: OpenPage) -> None:
    page = visit("/")
    rows = page.locator(".st-key-card_recognised_revenue").get_by_role("button", name="Rows")
    page.locator(".st-key-card_recognised_revenue").get_by_role("button").first.focus()
    for _ in range(4):
        if rows.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    seen = rows.evaluate(
        "button => { const style = getComputedStyle(button);"
        " return button === document.activeElement && (style.outlineStyle !== 'none'"
        " || style.boxShadow !== 'none'); }"
    )
    assert seen, "a focused button shows that it is"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Ties to the cent")).to_be_visible()


@pytest.mark.parametrize("path", [*PAGES, "/definitions"])
def test_nothing_fails_and_nothing_is_asked_of_the_outside(browser: Browser, address: str, path: str) -> None:
    """No error in the console, no request that fails, none that leaves this machine; one page with motion."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, reduced_motion="no-preference" if path == "/" else STILL
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    said: list[str] = []
    asked: list[str] = []
    failed: list[str] = []
    page.on("console", lambda told: said.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda problem: said.append(str(problem)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(address + path)
    settle(page)
    context.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    # to learn where it is served, the front end asks for its own health below the page's address first
    probes = [url for url in failed if "/_stcore/" in url]
    assert failed == probes
    assert len([text for text in said if "404" not in text]) == 0, said
    assert len(said) <= len(probes), said


def test_the_export_holds_the_queue(visit: OpenPage, runs: list[str]) -> None:
    page = visit("/exceptions?sev=S2%3BS3")
    button = page.get_by_role("button", name="Export workbook")
    count = int(button.inner_text().split("(")[1].split()[0].replace(",", ""))
    expect(page.get_by_text(f"{numbers.counted(count, 'case')} in the queue")).to_be_visible()
    with page.expect_download() as downloading:
        button.click()
    assert runs[-1] in downloading.value.suggested_filename
    book = openpyxl.load_workbook(io.BytesIO(Path(downloading.value.path()).read_bytes()))
    listed = [row[0].value for row in book["02_Exceptions"].iter_rows(min_row=2) if row[0].value]
    assert len(listed) == count > 0
    severities = {row[3].value for row in book["02_Exceptions"].iter_rows(min_row=2) if row[0].value}
    assert severities <= {"S2", "S3"}


def test_changing_the_page_keeps_the_filters(visit: OpenPage) -> None:
    page = visit("/?period=YTD&scope=PRACTICE:CLOUD&asof=2026-04-30")
    before = cards(page)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Reconciliation exceptions").click()
    expect(page.get_by_role("heading", name="Reconciliation exceptions")).to_be_visible()
    settle(page)
    assert query(page) == {"period": ["YTD"], "scope": ["PRACTICE:CLOUD"], "asof": ["2026-04-30"]}
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Executive overview").click()
    expect(page.get_by_role("heading", name="Executive overview")).to_be_visible()
    settle(page)
    assert cards(page) == before
    page.reload()
    settle(page)
    assert cards(page) == before


def test_the_case_shown_is_in_the_address(visit: OpenPage) -> None:
    page = visit("/exceptions")
    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**exception=*")
    settle(page)
    case = query(page)["exception"][0]
    again = visit(f"/exceptions?exception={case}")
    expect(again.get_by_text("Case 2 of")).to_be_visible()


def test_a_decision_leads_to_its_evidence(visit: OpenPage) -> None:
    page = visit("/")
    link = page.locator(".st-key-decisions").get_by_test_id("stPageLink-NavLink").first
    name = link.inner_text().split("·")[1].strip()
    link.click()
    expect(page.get_by_role("heading", name="Reconciliation exceptions")).to_be_visible()
    settle(page)
    assert "exception" in query(page)
    expect(page.locator(".st-key-evidence").get_by_role("heading", name=name)).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, True)])
def test_nothing_runs_off_the_side(visit: OpenPage, path: str, width: int, dark: bool) -> None:
    page = visit(path, width, dark)
    wide = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return [document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth]; }"
    )
    assert wide == [0, 0]
    background = page.evaluate(
        "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert background == ("rgb(15, 23, 32)" if dark else "rgb(255, 255, 255)")
    lefts = {round(box["x"]) for m in page.get_by_test_id("stMetric").all() if (box := m.bounding_box())}
    if path not in CARDLESS:
        assert (len(lefts) == 1) == (width == 390), "one card per row on a phone"


def test_the_first_visitor_by_a_deep_link_finds_the_page(visit: OpenPage) -> None:
    for path in ("/exceptions", "/overview"):
        page = visit(path, fresh=True)
        assert page.get_by_text("Page not found").count() == 0


def test_a_run_published_meanwhile_is_offered_and_taken_on_request(
    visit: OpenPage, published: Home, runs: list[str]
) -> None:
    def point(run_id: str) -> None:
        publish.point(published, run_id, as_of=None, known_at=None, content_hash=None)

    point(runs[0])
    try:
        page = visit("/")
        before = cards(page)
        shows_run(page, runs[0])
        assert page.get_by_role("button", name="Show the new run").count() == 0
        point(runs[-1])
        assert warehouse.current(published).run_id == runs[-1]
        choose(page, "Period", "Year to date")
        choose(page, "Period", "Quarter to date")
        expect(page.get_by_text(f"Run {runs[-1]} is published.")).to_be_visible()
        expect(page.get_by_test_id("stMetricValue")).to_have_text(before)
        page.get_by_role("button", name="Show the new run").click()
        shows_run(page, runs[-1])
        settle(page)
        assert cards(page) != before
        assert page.get_by_role("button", name="Show the new run").count() == 0
    finally:
        point(runs[-1])
