"""Signed papers against contracts: what is not signed, signed for something else, or signed too late.

As of Wednesday 8 July 2026. The standard contract runs from 1 June, is worth 80,000 dollars and was entered
on 2 June; its statement of work was signed on 29 May.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.reconciliation.firm import Firm, working_days

CONTRACT, LINE, US = "netsuite:main:C1", "netsuite:main:L1", "netsuite:main:1"


def running(firm: Firm, **document: object) -> Firm:
    """A firm in order: a contract, its line, its customer and its signed statement of work."""
    firm.standard()
    for row in firm.tables["canonical__customer"]:
        row["normalised_name"] = "ACME"
    firm.add("contract_document", **document)
    return firm


def unsigned(firm: Firm) -> Firm:
    """The same with a statement of work that was only sent."""
    return running(firm, status="SENT", completed_at=None)


# --- DOC-ERP-001


def test_a_signed_statement_of_work_stands_for_the_contract(firm: Firm) -> None:
    assert running(firm).one("DOC-ERP-001")["outcome"] == "PASS"


@pytest.mark.parametrize(
    ("effective_from", "outcome", "first"),
    [("2026-06-29", "EXCEPTION", date(2026, 7, 8)), ("2026-06-30", "PENDING", date(2026, 7, 9))],
)
def test_without_one_the_grace_runs_from_the_contracts_first_day(
    firm: Firm, effective_from: str, outcome: str, first: date
) -> None:
    unsigned(firm).tables["canonical__contract"][0]["effective_from"] = effective_from
    row = firm.one("DOC-ERP-001")
    assert (row["outcome"], row["becomes_exception_on"]) == (outcome, first)
    assert first == working_days(US, date.fromisoformat(effective_from), 6)
    assert (row["grain_key"], row["amount_at_risk"]) == (CONTRACT, Decimal(80000))
    assert (row["facts"]["latest_doc_status"], row["facts"]["sent_on"]) == ("SENT", "2026-05-26")


def test_the_grace_ends_with_the_first_approved_time_invoice_or_revenue(firm: Firm) -> None:
    unsigned(firm).tables["canonical__contract"][0]["effective_from"] = "2026-07-06"
    assert firm.one("DOC-ERP-001")["outcome"] == "PENDING"
    firm.add("time_entry", approved_at="2026-07-07 10:00:00+00")
    row = firm.one("DOC-ERP-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date(2026, 7, 7))
    firm.add("invoice", invoice_date="2026-07-06")
    firm.add("invoice_line", net_amount="1600")
    assert firm.one("DOC-ERP-001")["becomes_exception_on"] == date(2026, 7, 6)
    firm.add("revenue_entry", kind="recognised", entry_type="NORMAL", accounting_date="2026-07-03")
    row = firm.one("DOC-ERP-001")
    assert row["becomes_exception_on"] == date(2026, 7, 3)
    # 500 earned and 79,500 to come
    assert (row["amount_at_risk"], row["facts"]["rev_to_date"]) == (Decimal(80000), "500.0000")


def test_what_was_carried_over_has_been_billed_and_earned_by_its_date(firm: Firm) -> None:
    unsigned(firm).tables["canonical__contract"][0]["effective_from"] = "2026-07-06"
    firm.add("opening_balance", balance_date="2026-07-09")
    # a sum that stands from tomorrow on
    assert firm.one("DOC-ERP-001")["outcome"] == "PENDING"
    firm.add("opening_balance", opening_balance_id="erp:files:OB2", balance_date="2026-07-03")
    row = firm.one("DOC-ERP-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date(2026, 7, 3))
    assert row["facts"]["net_billed"] == "30000.0000"
    firm.add(
        "opening_balance", opening_balance_id="erp:files:OB3", kind="REVENUE_TO_DATE", amount="81000",
        balance_date="2026-07-02",
    )  # fmt: skip
    row = firm.one("DOC-ERP-001")
    # 81,000 earned of 80,000: all of it is at risk
    assert row["amount_at_risk"] == Decimal(81000)
    assert row["becomes_exception_on"] == date(2026, 7, 2)


def test_revenue_is_never_a_small_matter(firm: Firm) -> None:
    unsigned(firm).tables["canonical__contract_line"][0]["original_value"] = "900"
    firm.tables["canonical__contract"][0]["effective_from"] = "2026-06-29"
    assert firm.one("DOC-ERP-001")["severity"] == "S4"
    firm.add("revenue_entry", kind="recognised", entry_type="NORMAL", accounting_date="2026-07-07")
    assert firm.one("DOC-ERP-001")["severity"] == "S2"
    # what is planned is not earned
    firm.tables["canonical__revenue_entry"][0]["kind"] = "planned"
    assert firm.one("DOC-ERP-001")["severity"] == "S4"


def test_only_active_contracts_are_asked_for(firm: Firm) -> None:
    unsigned(firm).tables["canonical__contract"][0]["status"] = "COMPLETED"
    assert firm.control("DOC-ERP-001") == {}


def test_an_order_form_needs_a_signed_master_agreement_of_the_customer(firm: Firm) -> None:
    running(firm, document_type="ORDER_FORM")
    assert firm.one("DOC-ERP-001")["outcome"] == "EXCEPTION"
    framework = firm.add(
        "contract_document", contract_document_id="docusign:main:M", document_type="MSA", status="SENT",
        opportunity_id=None, match_key=None, document_value=None, value_basis="NONE",
    )  # fmt: skip
    assert firm.one("DOC-ERP-001")["outcome"] == "EXCEPTION"
    framework["status"] = "FULLY_SIGNED"
    assert firm.one("DOC-ERP-001")["outcome"] == "PASS"
    framework["customer_id"] = "salesforce:main:A2"
    assert firm.one("DOC-ERP-001")["outcome"] == "EXCEPTION"


def test_a_purchase_order_stands_for_it_where_the_policy_says_so(firm: Firm) -> None:
    running(firm, document_type="PO")
    assert firm.one("DOC-ERP-001")["outcome"] == "EXCEPTION"
    firm.parameters["DOC-ERP-001", "value"] = 1
    assert firm.one("DOC-ERP-001")["outcome"] == "PASS"


def test_a_paper_is_found_under_the_number_the_contract_once_had(firm: Firm) -> None:
    running(firm, opportunity_id=None, match_key="OLD-7")
    assert firm.one("DOC-ERP-001")["outcome"] == "EXCEPTION"
    firm.tables["canonical__contract"][0]["former_number"] = "OLD-7"
    assert firm.one("DOC-ERP-001")["outcome"] == "PASS"


def test_of_two_contracts_with_one_number_the_customers_own_is_meant(firm: Firm) -> None:
    running(firm, opportunity_id=None, match_key="SO1")
    firm.add(
        "contract", contract_id="netsuite:north:C0", customer_id="netsuite:north:K9", opportunity_id=None
    )
    found = firm.control("DOC-ERP-001")
    assert {key: row["outcome"] for key, row in found.items()} == {
        CONTRACT: "PASS",
        "netsuite:north:C0": "EXCEPTION",
    }


def test_a_change_order_alone_is_no_contract(firm: Firm) -> None:
    running(firm, document_type="CO")
    assert firm.one("DOC-ERP-001")["outcome"] == "EXCEPTION"


# --- DOC-ERP-002


def test_equal_values_pass_and_a_dollar_is_no_difference(firm: Firm) -> None:
    running(firm)
    assert firm.one("DOC-ERP-002")["outcome"] == "PASS"
    firm.tables["canonical__contract_document"][0]["document_value"] = "79999"
    assert firm.one("DOC-ERP-002")["outcome"] == "PASS"
    firm.tables["canonical__contract_document"][0]["document_value"] = "79998.99"
    row = firm.one("DOC-ERP-002")
    assert (row["outcome"], row["break_type"], row["amount_at_risk"]) == (
        "EXCEPTION", "AMOUNT_DIFFERS", Decimal("1.01"),
    )  # fmt: skip
    assert (row["value_a"], row["value_b"]) == (Decimal("79998.99"), Decimal(80000))
    # entered on 2 June, three working days of grace
    assert row["becomes_exception_on"] == working_days(US, date(2026, 6, 2), 4)


@pytest.mark.parametrize(
    ("value", "basis", "tax", "expenses", "outcome"),
    [
        ("95200", "GROSS", "15200", None, "PASS"),
        ("95200", "NET", None, None, "EXCEPTION"),
        ("95200", "GROSS", None, None, "NOT_EVALUABLE"),
        ("84000", "INCL_EXPENSES", None, "4000", "PASS"),
        ("80000", "NET", None, "4000", "PASS"),
        ("80000", "INCL_EXPENSES", None, "4000", "EXCEPTION"),
        (None, "NONE", None, None, "PASS"),
    ],
)
def test_a_value_is_taken_as_its_basis_says(
    firm: Firm, value: str | None, basis: str, tax: str | None, expenses: str | None, outcome: str
) -> None:
    running(firm, document_value=value, value_basis=basis, tax_amount=tax)
    if expenses:
        firm.add("contract_line", contract_line_id="netsuite:main:L2", billing_method="EXPENSE",
                 original_value=expenses)  # fmt: skip
    assert firm.one("DOC-ERP-002")["outcome"] == outcome


def test_change_orders_count_on_both_sides_from_their_signature_on(firm: Firm) -> None:
    running(firm)
    firm.add("contract_amendment", delta_value="5000", signed_on="2026-07-01", effective_on="2026-09-01",
             opportunity_id="salesforce:main:O2")  # fmt: skip
    row = firm.one("DOC-ERP-002")
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal(5000))
    # 2, 6, 7 July are the grace after 1 July
    assert row["becomes_exception_on"] == date(2026, 7, 8)
    order = firm.add(
        "contract_document", contract_document_id="docusign:main:D2", document_type="CO", match_key=None,
        opportunity_id="salesforce:main:O2", document_value="5000", completed_at="2026-07-01 09:00:00+00",
    )  # fmt: skip
    assert firm.one("DOC-ERP-002")["outcome"] == "PASS"
    order["status"] = "DECLINED"
    assert firm.one("DOC-ERP-002")["outcome"] == "EXCEPTION"


def test_another_currency_leaves_all_of_it_open(firm: Firm) -> None:
    row = running(firm, currency_code="EUR").one("DOC-ERP-002")
    assert (row["outcome"], row["break_type"]) == ("EXCEPTION", "ATTRIBUTE_DIFFERS")
    assert (row["amount_at_risk_tc"], row["currency_code"]) == (Decimal(80000), "USD")


def test_the_customer_is_compared_by_every_name_it_is_known_under(firm: Firm) -> None:
    running(firm, customer_name="Acme Holdings, Inc.")
    assert firm.one("DOC-ERP-002")["outcome"] == "EXCEPTION"
    # the CRM's name of the same customer
    firm.tables["canonical__customer"][1]["normalised_name"] = "ACME HOLDINGS"
    assert firm.one("DOC-ERP-002")["outcome"] == "PASS"
    firm.tables["canonical__contract_document"][0]["customer_name"] = None
    assert firm.one("DOC-ERP-002")["outcome"] == "PASS"


def test_a_replaced_file_is_found(firm: Firm) -> None:
    row = running(firm, file_hash="b" * 64).one("DOC-ERP-002")
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal(0))
    assert "not the one that was signed" in row["facts"]["what"]


@pytest.mark.parametrize(("confidence", "outcome"), [("0.9", "EXCEPTION"), ("0.899", "NOT_EVALUABLE")])
def test_a_value_nobody_could_read_is_no_finding(firm: Firm, confidence: str, outcome: str) -> None:
    row = running(firm, document_value="8000", extraction_confidence=confidence).one("DOC-ERP-002")
    assert row["outcome"] == outcome
    assert row["facts"]["extraction_confidence"] == f"{Decimal(confidence):.6f}"


def test_voided_and_unsigned_papers_do_not_count(firm: Firm) -> None:
    running(firm)
    for number, status in enumerate(("VOIDED", "SENT", "DRAFT", "DECLINED")):
        firm.add("contract_document", contract_document_id=f"docusign:main:V{number}", status=status)
    assert firm.one("DOC-ERP-002")["outcome"] == "PASS"


def test_what_has_no_signed_paper_is_not_compared(firm: Firm) -> None:
    unsigned(firm)
    assert firm.control("DOC-ERP-002") == {}
    assert firm.control("DOC-ERP-003") == {}


# --- DOC-ERP-003


def kinds(firm: Firm) -> dict[str, str]:
    return {
        key.rsplit("|", 1)[-1]: row["outcome"]
        for key, row in firm.control("DOC-ERP-003").items()
        if key.startswith(LINE)
    }


def early(firm: Firm, **document: object) -> Firm:
    """Signed on 29 June; time of 15 June, an invoice of 1 to 20 June and revenue of May."""
    running(firm, completed_at="2026-06-29 10:00:00+00", **document)
    firm.add("time_entry")
    firm.add("invoice", invoice_date="2026-06-22")
    firm.add("invoice_line", period_from="2026-06-01", period_to="2026-06-20")
    firm.add("revenue_entry", kind="recognised", entry_type="NORMAL", service_from="2026-05-01",
             service_to="2026-05-31")  # fmt: skip
    return firm


def test_what_lies_before_the_signature_is_found_by_kind(firm: Firm) -> None:
    found = early(firm).control("DOC-ERP-003")
    assert {key: row["outcome"] for key, row in found.items()} == {
        f"{LINE}|TIME": "EXCEPTION", f"{LINE}|INVOICE": "EXCEPTION", f"{LINE}|REVENUE": "EXCEPTION",
    }  # fmt: skip
    assert [found[f"{LINE}|{kind}"]["amount_at_risk"] for kind in ("TIME", "INVOICE", "REVENUE")] == [
        Decimal(1600), Decimal(1600), Decimal(500),
    ]  # fmt: skip
    # small, but revenue without a contract is no small matter
    assert [found[f"{LINE}|{kind}"]["severity"] for kind in ("TIME", "REVENUE")] == ["S4", "S2"]
    assert found[f"{LINE}|TIME"]["becomes_exception_on"] == date(2026, 6, 15)
    assert found[f"{LINE}|TIME"]["facts"]["first_early_date"] == "2026-06-15"


def test_what_lies_on_the_day_of_the_signature_is_in_time(firm: Firm) -> None:
    early(firm).tables["canonical__contract_document"][0]["completed_at"] = "2026-06-15 23:00:00+00"
    assert kinds(firm) == {"TIME": "PASS", "INVOICE": "PASS", "REVENUE": "EXCEPTION"}


def test_before_the_contracts_own_first_day_is_early_too(firm: Firm) -> None:
    running(firm)
    firm.add("time_entry", work_date="2026-05-29")
    assert kinds(firm)["TIME"] == "EXCEPTION"


def test_signed_with_effect_from_the_first_day_covers_what_came_after_it(firm: Firm) -> None:
    assert kinds(early(firm, is_retroactive=True)) == {
        "TIME": "PASS",
        "INVOICE": "PASS",
        "REVENUE": "EXCEPTION",
    }


def letter(firm: Firm, **values: object) -> None:
    firm.add(
        "contract_document",
        **{
            "contract_document_id": "docusign:main:LOI", "document_type": "LOI", "document_value": "1600",
            "completed_at": "2026-06-10 09:00:00+00", **values,
        },
    )  # fmt: skip


def test_a_letter_of_intent_covers_what_comes_after_it(firm: Firm) -> None:
    letter(early(firm))
    # revenue of May is older than the letter
    assert kinds(firm) == {"TIME": "PASS", "INVOICE": "PASS", "REVENUE": "EXCEPTION"}


@pytest.mark.parametrize(
    ("values", "amount"),
    [
        ({"document_value": "1000"}, "600"),
        ({"document_value": "1900", "value_basis": "GROSS", "tax_amount": "400"}, "100"),
        ({"currency_code": "EUR"}, "1600"),
        ({"status": "SENT"}, "1600"),
        ({"completed_at": "2026-06-16 09:00:00+00"}, "1600"),
    ],
)
def test_it_covers_no_more_than_its_value_in_its_currency(
    firm: Firm, values: dict[str, object], amount: str
) -> None:
    letter(early(firm), **values)
    row = firm.control("DOC-ERP-003")[f"{LINE}|TIME"]
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal(amount))


def test_one_letter_is_used_up_once_by_all_lines_of_its_contract(firm: Firm) -> None:
    """Two lines of 1,600 and a letter of 2,000: the later day goes 1,200 beyond it, not both go free."""
    letter(early(firm), document_value="2000")
    firm.add("contract_line", contract_line_id="netsuite:main:L2")
    firm.add(
        "time_entry",
        time_entry_id="certinia:main:T2-1",
        project_id="certinia:main:P2",
        work_date="2026-06-16",
    )
    firm.add("project", project_id="certinia:main:P2", contract_line_id="netsuite:main:L2")
    found = firm.control("DOC-ERP-003")
    told = {key: (found[f"{key}|TIME"]["outcome"], found[f"{key}|TIME"]["amount_at_risk"])
            for key in (LINE, "netsuite:main:L2")}  # fmt: skip
    assert told == {LINE: ("PASS", Decimal(0)), "netsuite:main:L2": ("EXCEPTION", Decimal(1200))}


def test_presales_time_rejected_time_and_advance_invoices_may_come_early(firm: Firm) -> None:
    early(firm)
    firm.tables["canonical__time_entry"][0]["is_billable"] = False
    firm.add("time_entry", time_entry_id="certinia:main:T2-1", status="rejected")
    firm.tables["canonical__invoice"][0]["doc_type"] = "PREPAYMENT"
    firm.tables["canonical__revenue_entry"][0]["kind"] = "planned"
    assert set(kinds(firm).values()) == {"PASS"}


def test_a_reversal_takes_early_revenue_back(firm: Firm) -> None:
    early(firm)
    firm.add("revenue_entry", revenue_entry_id="netsuite:main:R2", kind="recognised", entry_type="REVERSAL",
             amount="-500", service_to="2026-05-31")  # fmt: skip
    assert kinds(firm)["REVENUE"] == "PASS"


def test_early_work_in_two_currencies_is_summed_in_the_reporting_currency(firm: Firm) -> None:
    early(firm)
    firm.add("time_entry", time_entry_id="certinia:main:T2-1", currency_code="GBP", billable_amount="100")
    row = firm.control("DOC-ERP-003")[f"{LINE}|TIME"]
    assert (row["amount_at_risk"], row["amount_at_risk_tc"]) == (Decimal(1725), None)
