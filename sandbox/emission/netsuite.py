"""ERP records: customers, contracts, billing items, invoices, payments, purchasing, revenue, ledger lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.emission.context import (
    CENT,
    CURRENCY_IDS,
    CURRENCY_NAMES,
    ZERO,
    Context,
    instant,
    round_to,
)
from sandbox.emission.table import Change, ObjectSpec, Table, describe
from sandbox.firm.calendar import DAY
from sandbox.firm.ids import EMISSION_OFFSET
from sandbox.firm.state import Contract, ContractLine, Invoice, Payment, RevenueEntry

SUBSIDIARY = describe(
    "subsidiary",
    "Subsidiary",
    "id",
    """id id, name text, fullname text, parent ref, country text, currency ref, iselimination bool
    custrecord_tl_entity_code text""",
    modified=False,
)
CURRENCY = describe(
    "currency",
    "Currency",
    "id",
    "id id, symbol text, name text, currencyprecision int, isbasecurrency bool, isinactive bool",
    modified=False,
)
CURRENCY_RATE = describe(
    "currencyrate",
    "Currency Exchange Rate",
    "id",
    "id id, basecurrency ref, transactioncurrency ref, exchangerate fx, effectivedate date",
)
PERIOD = describe(
    "accountingperiod",
    "Accounting Period",
    "id",
    """id id, periodname text, startdate date, enddate date, isyear bool, isquarter bool, isadjust bool
    isposting bool, closed bool*, closedondate ts*, alllocked bool*, arlocked bool*, aplocked bool*
    parent ref""",
)
ACCOUNT = describe(
    "account",
    "Account",
    "id",
    "id id, acctnumber text, accttype text, fullname text, parent ref, issummary bool, isinactive bool",
    modified=False,
)
CUSTOMER = describe(
    "customer",
    "Customer",
    "id",
    """id id, entityid text, companyname text, parent ref, currency ref, externalid text
    isinactive bool, datecreated ts, custentity_tl_crm_account text, custentity_tl_tax_id text
    custentity_tl_tax_profile text, custentity_tl_status text*, custentity_tl_credit_status text
    custentity_tl_billto_complete bool""",
)
CUSTOMER_SUBSIDIARY = describe(
    "customersubsidiaryrelationship",
    "Customer-Subsidiary Relationship",
    "id",
    "id id, entity ref, subsidiary ref, isprimarysub bool, custrecord_tl_status text*",
)
VENDOR = describe(
    "vendor",
    "Vendor",
    "id",
    "id id, entityid text, companyname text, category text, currency ref, isinactive bool",
)
TRANSACTION = describe(
    "transaction",
    "Transaction",
    "id",
    """id id, type text, tranid text, trandate date, duedate date, closedate date*, createddate ts
    entity ref, currency ref, exchangerate fx, foreigntotal money, foreignamountunpaid money*
    status text*, postingperiod ref*, posting bool*, voided bool, memo text, externalid text
    otherrefnum text, subsidiary ref, custbody_tl_opportunity text, custbody_tl_contract_type text
    custbody_tl_status text*, custbody_tl_signed_on date, custbody_tl_effective_from date
    custbody_tl_effective_to date, custbody_tl_billing_method text, custbody_tl_payment_terms int
    custbody_tl_billing_frequency text, custbody_tl_hold_until date, custbody_tl_customer_po ref
    custbody_tl_doc_type text, custbody_tl_applies_to ref, custbody_tl_reason_code text
    custbody_tl_contract ref, custbody_tl_posted_at ts*, custbody_tl_period_from date
    custbody_tl_period_to date""",
)
LINE = describe(
    "transactionline",
    "Transaction Line",
    "uniquekey",
    """uniquekey id, transaction ref, id text, linesequencenumber int, mainline bool, taxline bool
    item ref, entity ref, subsidiary ref, department ref, class ref, quantity rate, rate rate
    foreignamount money, netamount money, memo text, isclosed bool*, custcol_tl_billing_method text
    custcol_tl_revenue_method text, custcol_tl_original_value money, custcol_tl_ceiling money
    custcol_tl_transaction_price money, custcol_tl_effective_from date, custcol_tl_effective_to date
    custcol_tl_practice text, custcol_tl_region text, custcol_tl_group text
    custcol_tl_source_type text, custcol_tl_source_id text, custcol_tl_contract_line ref
    custcol_tl_period_from date, custcol_tl_period_to date, custcol_tl_project text
    custcol_tl_resource text, custcol_tl_po_line ref""",
)
ACCOUNTING_LINE = describe(
    "transactionaccountingline",
    "Transaction Accounting Line",
    "transaction transactionline accountingbook",
    """transaction ref, transactionline text, accountingbook text, account ref, debit money
    credit money, amount money, posting bool, exchangerate fx""",
)
LINK = describe(
    "nexttransactionlinelink",
    "Next Transaction Line Link",
    "previousdoc nextdoc linktype",
    """previousdoc ref, previousline text, nextdoc ref, nextline text, linktype text
    foreignamount money, previoustype text, nexttype text""",
)
ELEMENT = describe(
    "revenueelement",
    "Revenue Element",
    "id",
    """id id, referenceid text, source ref, custrecord_tl_contract_line ref, item ref, quantity rate
    salesamount money, allocationamount money*, revrecstartdate date, revrecenddate date
    currency ref, exchangerate fx""",
)
PLAN = describe(
    "revenueplan",
    "Revenue Plan",
    "id",
    "id id, createdfrom ref, amount money*, totalrecognized money*",
)
PLANNED = describe(
    "revenueplanplannedrevenue",
    "Planned Revenue",
    "id",
    """id id, revenueplan ref, plannedperiod ref, postingperiod ref*, amount money
    custrecord_tl_amount_base money*, dateexecuted ts*, custrecord_tl_accounting_date date*
    custrecord_tl_service_from date, custrecord_tl_service_to date, custrecord_tl_entry_type text
    custrecord_tl_journal ref*""",
)
AMENDMENT = describe(
    "customrecord_tl_amendment",
    "Contract Amendment",
    "id",
    """id id, name text, custrecord_tl_amd_contract ref, custrecord_tl_amd_line ref
    custrecord_tl_amd_opportunity text, custrecord_tl_amd_delta_value money
    custrecord_tl_amd_delta_ceiling money, custrecord_tl_amd_delta_hours hours
    custrecord_tl_amd_signed_on date*, custrecord_tl_amd_effective_on date
    custrecord_tl_amd_status text*, custrecord_tl_amd_treatment text""",
)
CUSTOMER_PO = describe(
    "customrecord_tl_customer_po",
    "Customer Purchase Order",
    "id",
    """id id, name text, custrecord_tl_po_customer ref, custrecord_tl_po_amount money
    custrecord_tl_po_currency text, custrecord_tl_po_valid_to date""",
)
CUSTOMER_SHARE = describe(
    "customrecord_tl_customer_share",
    "Customer Share",
    "id",
    "id id, custrecord_tl_cs_line ref, custrecord_tl_cs_customer ref, custrecord_tl_cs_share rate",
)
BILLING_ITEM = describe(
    "customrecord_tl_billing_item",
    "Billing Item",
    "id",
    """id id, name text, custrecord_tl_bi_source_type text, custrecord_tl_bi_source_id text
    custrecord_tl_bi_line ref, custrecord_tl_bi_work_date date, custrecord_tl_bi_quantity rate
    custrecord_tl_bi_unit_price money, custrecord_tl_bi_amount money, custrecord_tl_bi_currency text
    custrecord_tl_bi_billable bool, custrecord_tl_bi_eligible_at ts*
    custrecord_tl_bi_hold_reason text, custrecord_tl_bi_status text*""",
)

# id, number, type, name
CHART = (
    ("101", "1000", "Bank", "Bank"),
    ("110", "1100", "AcctRec", "Accounts Receivable"),
    ("115", "1150", "UnbilledRec", "Unbilled Receivable"),
    ("200", "2000", "AcctPay", "Accounts Payable"),
    ("220", "2200", "OthCurrLiab", "Sales Tax Payable"),
    ("240", "2400", "DeferRevenue", "Deferred Revenue"),
    ("400", "4000", "Income", "Services Revenue"),
    ("410", "4100", "Income", "Reimbursable Expenses Revenue"),
    ("510", "5100", "COGS", "Subcontractor Cost"),
    ("790", "7900", "OthIncome", "Realised Exchange Gain or Loss"),
)
BANK, RECEIVABLE, UNBILLED, PAYABLE, TAX, DEFERRED = "101", "110", "115", "200", "220", "240"
REVENUE, EXPENSE_REVENUE, SUBCONTRACTORS, EXCHANGE = "400", "410", "510", "790"
BOOK = "1"
ITEMS = {"TIME": "601", "EXPENSE": "602", "MILESTONE": "603", "RETAINER": "604", "MANUAL": "605"}
LINE_ITEMS = {
    "TM": "601",
    "TM_CAPPED": "601",
    "EXPENSE": "602",
    "FIXED_MILESTONE": "603",
    "FIXED_POC": "603",
    "RETAINER": "604",
}
SUBCONTRACTOR_ITEM = "606"
DEPARTMENTS = {"DATA": "11", "CLOUD": "12", "STRAT": "13", "RISK": "14", "CX": "15", "INT": "16"}
CLASSES = {"CONSULT": "21", "MANAGED": "22"}
REVENUE_METHODS = {
    "TM": "AS_INVOICED",
    "TM_CAPPED": "AS_INVOICED",
    "EXPENSE": "AS_INVOICED",
    "FIXED_MILESTONE": "MILESTONE",
    "FIXED_POC": "COST_TO_COST",
    "RETAINER": "STRAIGHT_LINE",
}
# How far a legal entity trusts a customer, least first.
TRUST = ("BLOCKED", "DRAFT", "PENDING", "VALIDATED", "ACTIVE")
ORDER_STATUS = {"DRAFT": "A", "ACTIVE": "B", "ON_HOLD": "B", "COMPLETED": "H", "CANCELLED": "C"}


class Lines:
    """Transaction lines with the ledger lines behind them."""

    def __init__(self) -> None:
        self.table = Table(LINE)
        self.ledger = Table(ACCOUNTING_LINE)

    def line(self, at: datetime, values: dict[str, Any], changes: Sequence[Change] = ()) -> None:
        """One transaction line; flags that are not named are false."""
        self.table.record(at, {"mainline": False, "taxline": False, "isclosed": False, **values}, changes)

    def post(
        self, at: datetime, transaction: str, line: str, account: str, amount: Decimal, rate: Decimal
    ) -> None:
        """The ledger line of a transaction line: debit positive, in the subsidiary's currency."""
        self.ledger.record(
            at,
            {
                "transaction": transaction,
                "transactionline": line,
                "accountingbook": BOOK,
                "account": account,
                "debit": amount if amount > 0 else None,
                "credit": -amount if amount <= 0 else None,
                "amount": amount,
                "posting": True,
                "exchangerate": rate,
            },
        )


@dataclass
class _Writer:
    """Tables shared by the documents, and the numbers of lines that the firm's state has none for."""

    context: Context
    transactions: Table = field(default_factory=lambda: Table(TRANSACTION))
    lines: Lines = field(default_factory=Lines)
    links: Table = field(default_factory=lambda: Table(LINK))
    own: Iterator[int] = field(default_factory=lambda: iter(range(EMISSION_OFFSET, 2 * EMISSION_OFFSET)))

    def own_id(self) -> str:
        """The next id of a record that only the emission makes."""
        return str(next(self.own))

    def transaction(self, at: datetime, values: dict[str, Any], changes: Sequence[Change] = ()) -> None:
        """One transaction header."""
        self.transactions.record(at, {"voided": False, "createddate": at, **values}, changes)


def emit(context: Context) -> list[Table]:
    """The ERP's tables."""
    writer = _Writer(context)
    orders = _contracts(writer)
    _invoices(writer)
    _payments(writer)
    _purchasing(writer)
    revenue = _revenue(writer)
    _mistyped_invoice(writer)
    return [
        *_reference(context),
        *_customers(context),
        _vendors(context),
        writer.transactions,
        writer.lines.table,
        writer.lines.ledger,
        writer.links,
        *revenue,
        _amendments(context),
        *orders,
        _billing_items(context),
    ]


def _reference(context: Context) -> list[Table]:
    born = instant(context.firm.start - timedelta(days=120), 8)
    subsidiaries, currencies, accounts = Table(SUBSIDIARY), Table(CURRENCY), Table(ACCOUNT)
    for entity in context.firm.entities.values():
        subsidiaries.record(
            born,
            {
                "id": entity.subsidiary_id,
                "name": entity.name,
                "fullname": entity.name,
                "country": entity.country,
                "currency": CURRENCY_IDS[entity.currency],
                "iselimination": False,
                "custrecord_tl_entity_code": entity.code,
            },
        )
    for symbol, number in CURRENCY_IDS.items():
        currencies.record(
            born,
            {
                "id": number,
                "symbol": symbol,
                "name": CURRENCY_NAMES[symbol],
                "currencyprecision": 2,
                "isbasecurrency": symbol == context.firm.reporting_currency,
                "isinactive": False,
            },
        )
    for number, code, kind, name in CHART:
        accounts.record(
            born,
            {
                "id": number,
                "acctnumber": code,
                "accttype": kind,
                "fullname": name,
                "issummary": False,
                "isinactive": False,
            },
        )
    return [subsidiaries, currencies, _rates(context), _periods(context, born), accounts]


def _rates(context: Context) -> Table:
    """Daily rates between the subsidiaries' currencies and every currency, fed each night."""
    table = Table(CURRENCY_RATE)
    number = 0
    firm = context.firm
    missing = set(firm.missing_rates)
    bases = sorted({entity.currency for entity in firm.entities.values()})
    for day in sorted({day for _, day in firm.fx}):
        for base in bases:
            for symbol in CURRENCY_IDS:
                if symbol == base or (symbol, day) not in firm.fx:
                    continue
                number += 1
                if (symbol, base, day) in missing:
                    continue
                rate = firm.fx[(symbol, day)] / firm.fx[(base, day)]
                table.record(
                    instant(day, 2, 15),
                    {
                        "id": str(number),
                        "basecurrency": CURRENCY_IDS[base],
                        "transactioncurrency": CURRENCY_IDS[symbol],
                        "exchangerate": round_to(rate, Decimal("0.0000000001")),
                        "effectivedate": day,
                    },
                )
    return table


SHUT = {"closed": True, "alllocked": True, "arlocked": True, "aplocked": True}


def _locks(closed_at: datetime) -> list[tuple[datetime, dict[str, object]]]:
    """Receivables are locked the day before, payables in the morning, the books last."""
    return [
        (closed_at - timedelta(days=1), {"arlocked": True}),
        (closed_at - timedelta(hours=6), {"arlocked": True, "aplocked": True}),
        (closed_at, {**SHUT, "closedondate": closed_at}),
    ]


def _periods(context: Context, born: datetime) -> Table:
    """Years, quarters and months; a quarter and a year close with their last month."""
    table = Table(PERIOD)
    months = context.periods
    years = sorted({period.first.year for period in months})
    parents: dict[date, str] = {}
    rows: list[tuple[str, str, date, date, str, str | None, datetime]] = []
    number = 0
    for year in years:
        number += 1
        year_id = str(number)
        last = months[-1] if year == years[-1] else None
        for period in months:
            if period.first.year == year and period.first.month == 12:
                last = period
        assert last is not None
        rows.append(
            (year_id, f"FY {year}", date(year, 1, 1), date(year, 12, 31), "year", None, last.closed_at)
        )
        for quarter in range(4):
            number += 1
            mine = [
                item for item in months if item.first.year == year and (item.first.month - 1) // 3 == quarter
            ]
            for item in mine:
                parents[item.first] = str(number)
            name = f"Q{quarter + 1} {year}"
            rows.append(
                (str(number), name, mine[0].first, mine[-1].last, "quarter", year_id, mine[-1].closed_at)
            )
    for period in months:
        name = period.first.strftime("%b %Y")
        rows.append(
            (
                period.period_id,
                name,
                period.first,
                period.last,
                "month",
                parents[period.first],
                period.closed_at,
            )
        )
    for period_id, name, first, end, kind, parent, closed_at in rows:
        locked = {**SHUT, "closedondate": closed_at}
        table.record(
            born,
            {
                "id": period_id,
                "periodname": name,
                "startdate": first,
                "enddate": end,
                "isyear": kind == "year",
                "isquarter": kind == "quarter",
                "isadjust": False,
                "isposting": kind == "month",
                "closed": False,
                "alllocked": False,
                "arlocked": False,
                "aplocked": False,
                "parent": parent,
            },
            _locks(closed_at) if kind == "month" else [(closed_at, locked)],
        )
    return table


def _customers(context: Context) -> tuple[Table, Table]:
    customers, relations = Table(CUSTOMER), Table(CUSTOMER_SUBSIDIARY)
    for account in context.firm.accounts:
        if account.customer_id is None or account.erp_at is None or account.mirror_of is not None:
            continue
        # The customer is as far as the entity that trusts it most.
        changes: list[Change] = []
        standing: dict[str, str] = {}
        for at, entity_code, status in sorted(
            (at, entity.entity, status) for entity in account.entities for at, status in entity.statuses
        ):
            standing[entity_code] = status
            changes.append((at, {"custentity_tl_status": max(standing.values(), key=TRUST.index)}))
        customers.record(
            account.erp_at,
            {
                "id": account.customer_id,
                "entityid": f"CUST-{account.n:05d}",
                "companyname": account.erp_name,
                "currency": CURRENCY_IDS[account.currency],
                "isinactive": False,
                "datecreated": account.erp_at,
                "custentity_tl_crm_account": account.account_id if account.explicit_link else None,
                "custentity_tl_tax_id": account.tax_id if account.erp_has_tax_id else None,
                "custentity_tl_tax_profile": f"{account.country}-STANDARD",
                "custentity_tl_status": "PENDING",
                "custentity_tl_credit_status": "PASSED",
                "custentity_tl_billto_complete": True,
            },
            changes,
        )
        for position, entity in enumerate(account.entities):
            relations.record(
                entity.statuses[0][0],
                {
                    "id": entity.row_id,
                    "entity": account.customer_id,
                    "subsidiary": context.subsidiary(entity.entity),
                    "isprimarysub": position == 0,
                    "custrecord_tl_status": entity.statuses[0][1],
                },
                [(at, {"custrecord_tl_status": status}) for at, status in entity.statuses],
            )
    return customers, relations


def _vendors(context: Context) -> Table:
    table = Table(VENDOR)
    for position, vendor in enumerate(context.firm.vendors, 1):
        table.record(
            vendor.created_at,
            {
                "id": vendor.vendor_id,
                "entityid": f"VEND-{position:04d}",
                "companyname": vendor.name,
                "category": "Subcontractor",
                "currency": CURRENCY_IDS[vendor.currency],
                "isinactive": False,
            },
        )
    return table


def _org(line: ContractLine) -> dict[str, Any]:
    return {"department": DEPARTMENTS.get(line.practice), "class": CLASSES.get(line.group)}


def _contracts(writer: _Writer) -> tuple[Table, Table]:
    """Orders with their lines; the customer's own orders and the shares of split lines."""
    customer_pos, shares = Table(CUSTOMER_PO), Table(CUSTOMER_SHARE)
    for contract in writer.context.firm.contracts:
        total = sum((line.original_value for line in contract.lines), ZERO)
        po_id = None
        if contract.customer_po is not None:
            po_id = writer.own_id()
            customer_pos.record(
                contract.created_at,
                {
                    "id": po_id,
                    "name": contract.customer_po,
                    "custrecord_tl_po_customer": contract.account.customer_id,
                    "custrecord_tl_po_amount": total,
                    "custrecord_tl_po_currency": contract.currency,
                    "custrecord_tl_po_valid_to": contract.effective_to,
                },
            )
        _order(writer, contract, total, po_id)
        for line in contract.lines:
            for row_id, customer, share in line.shares:
                shares.record(
                    contract.created_at,
                    {
                        "id": row_id,
                        "custrecord_tl_cs_line": line.line_key,
                        "custrecord_tl_cs_customer": customer.customer_id,
                        "custrecord_tl_cs_share": share,
                    },
                )
    return customer_pos, shares


def _order(writer: _Writer, contract: Contract, total: Decimal, po_id: str | None) -> None:
    context = writer.context
    subsidiary = context.subsidiary(contract.entity)
    header_changes: list[Change] = []
    line_changes: list[Change] = []
    for at, status in contract.statuses:
        ended = status in ("COMPLETED", "CANCELLED")
        header = {
            "custbody_tl_status": status,
            "status": ORDER_STATUS[status],
            "closedate": contract.closed_on if ended else None,
        }
        header_changes.append((at, header))
        line_changes.append((at, {"isclosed": ended}))
    writer.transaction(
        contract.created_at,
        {
            "id": contract.so_id,
            "type": "SalesOrd",
            "tranid": contract.number,
            "externalid": contract.former_number,
            "trandate": contract.signed_on,
            "entity": contract.account.customer_id,
            "currency": CURRENCY_IDS[contract.currency],
            "exchangerate": contract.exchange_rate,
            "foreigntotal": total,
            "status": ORDER_STATUS[contract.statuses[0][1]],
            "posting": False,
            "otherrefnum": contract.customer_po,
            "subsidiary": subsidiary,
            "custbody_tl_opportunity": context.crm_id(contract.deal.opp_id) if contract.deal else None,
            "custbody_tl_contract_type": "SOW",
            "custbody_tl_status": contract.statuses[0][1],
            "custbody_tl_signed_on": contract.signed_on,
            "custbody_tl_effective_from": contract.effective_from,
            "custbody_tl_effective_to": contract.effective_to,
            "custbody_tl_billing_method": contract.billing_method,
            "custbody_tl_payment_terms": contract.payment_terms,
            "custbody_tl_billing_frequency": "MONTHLY",
            "custbody_tl_customer_po": po_id,
        },
        header_changes,
    )
    base = {
        "transaction": contract.so_id,
        "entity": contract.account.customer_id,
        "subsidiary": subsidiary,
    }
    writer.lines.line(
        contract.created_at,
        {
            **base,
            "uniquekey": writer.own_id(),
            "id": "0",
            "linesequencenumber": 0,
            "mainline": True,
            "foreignamount": total,
            "netamount": round_to(total * contract.exchange_rate, CENT),
        },
        line_changes,
    )
    for line in contract.lines:
        writer.lines.line(
            contract.created_at,
            {
                **base,
                **_org(line),
                "uniquekey": line.line_key,
                "id": str(line.line_no),
                "linesequencenumber": line.line_no,
                "item": LINE_ITEMS[line.method],
                "quantity": Decimal(-1),
                "rate": line.original_value,
                "foreignamount": -line.original_value,
                "netamount": -round_to(line.original_value * contract.exchange_rate, CENT),
                "custcol_tl_billing_method": line.method,
                "custcol_tl_revenue_method": REVENUE_METHODS[line.method],
                "custcol_tl_original_value": line.original_value,
                "custcol_tl_ceiling": line.ceiling,
                "custcol_tl_transaction_price": line.original_value,
                "custcol_tl_effective_from": line.effective_from,
                "custcol_tl_effective_to": line.effective_to,
                "custcol_tl_practice": line.practice,
                "custcol_tl_region": line.region,
                "custcol_tl_group": line.group,
            },
            line_changes,
        )


def _amendments(context: Context) -> Table:
    table = Table(AMENDMENT)
    for item in context.firm.amendments:
        table.record(
            item.statuses[0][0],
            {
                "id": item.amendment_id,
                "name": item.name,
                "custrecord_tl_amd_contract": item.contract.so_id,
                "custrecord_tl_amd_line": item.line.line_key,
                "custrecord_tl_amd_opportunity": item.deal.opp_id if item.deal else None,
                "custrecord_tl_amd_delta_value": item.delta_value,
                "custrecord_tl_amd_delta_ceiling": item.delta_ceiling,
                "custrecord_tl_amd_delta_hours": item.delta_hours,
                "custrecord_tl_amd_effective_on": item.effective_on,
                "custrecord_tl_amd_status": item.statuses[0][1],
                "custrecord_tl_amd_treatment": item.treatment,
            },
            [
                (
                    at,
                    {
                        "custrecord_tl_amd_status": status,
                        "custrecord_tl_amd_signed_on": item.signed_on if status == "SIGNED" else None,
                    },
                )
                for at, status in item.statuses
            ],
        )
    return table


def _billing_items(context: Context) -> Table:
    table = Table(BILLING_ITEM)
    for item in context.firm.billing_items:
        changes: list[Change] = [
            (at, {"custrecord_tl_bi_eligible_at": eligible}) for at, eligible in item.eligible_at
        ]
        changes += [(at, {"custrecord_tl_bi_status": status}) for at, status in item.statuses]
        table.record(
            item.created_at,
            {
                "id": item.item_id,
                "name": f"BI-{item.item_id}",
                "custrecord_tl_bi_source_type": item.source_type,
                "custrecord_tl_bi_source_id": item.source_id,
                "custrecord_tl_bi_line": item.line.line_key,
                "custrecord_tl_bi_work_date": item.work_date,
                "custrecord_tl_bi_quantity": item.quantity,
                "custrecord_tl_bi_unit_price": item.unit_price,
                "custrecord_tl_bi_amount": item.amount,
                "custrecord_tl_bi_currency": item.currency,
                "custrecord_tl_bi_billable": True,
                "custrecord_tl_bi_eligible_at": item.eligible_at[0][1],
                "custrecord_tl_bi_hold_reason": item.hold_reason,
                "custrecord_tl_bi_status": item.statuses[0][1],
            },
            changes,
        )
    return table


def applications(context: Context) -> dict[str, list[tuple[datetime, Decimal]]]:
    """What payments and credit notes applied to each invoice, in time order: (known at, gross > 0)."""
    applied: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for payment in context.firm.payments:
        for invoice, amount in payment.applications:
            applied[invoice.invoice_id].append((payment.created_at, amount))
    for note in context.firm.invoices:
        if note.doc_type == "CREDIT_NOTE" and note.applies_to is not None:
            applied[note.applies_to.invoice_id].append((note.posted_at, abs(note.gross)))
    for steps in applied.values():
        steps.sort()
    return applied


def _invoices(writer: _Writer) -> None:
    applied = applications(writer.context)
    for invoice in writer.context.firm.invoices:
        _invoice_header(writer, invoice, applied.get(invoice.invoice_id, ()))
        _invoice_lines(writer, invoice)
        if invoice.doc_type == "CREDIT_NOTE" and invoice.applies_to is not None:
            writer.links.record(
                invoice.posted_at,
                {
                    "previousdoc": invoice.applies_to.invoice_id,
                    "previousline": "0",
                    "nextdoc": invoice.invoice_id,
                    "nextline": "0",
                    "linktype": "CreditApplication",
                    "foreignamount": abs(invoice.gross),
                    "previoustype": "CustInvc",
                    "nexttype": "CustCred",
                },
            )


def _invoice_header(writer: _Writer, invoice: Invoice, applied: Sequence[tuple[datetime, Decimal]]) -> None:
    context = writer.context
    credit = invoice.doc_type == "CREDIT_NOTE"
    settled = credit and invoice.applies_to is not None
    # A draft is a document that no period holds yet.
    changes: list[Change] = [
        (
            invoice.posted_at,
            {
                "status": "B" if settled else "A",
                "posting": True,
                "postingperiod": context.period(invoice.invoice_date).period_id,
                "custbody_tl_posted_at": invoice.posted_at,
                "foreignamountunpaid": ZERO if settled else invoice.gross,
            },
        )
    ]
    unpaid = invoice.gross
    for at, amount in applied:
        unpaid -= amount
        step = {"foreignamountunpaid": max(unpaid, ZERO), "status": "B" if unpaid <= 0 else "A"}
        changes.append((at, step))
    terms = (invoice.due_on - invoice.invoice_date).days
    writer.transaction(
        invoice.created_at,
        {
            "id": invoice.invoice_id,
            "type": "CustCred" if credit else "CustInvc",
            "tranid": invoice.number,
            "trandate": invoice.invoice_date,
            "duedate": None if credit else invoice.due_on,
            "entity": invoice.account.customer_id,
            "currency": CURRENCY_IDS[invoice.currency],
            "exchangerate": invoice.exchange_rate,
            "foreigntotal": invoice.gross,
            "foreignamountunpaid": invoice.gross,
            "status": "D",
            "posting": False,
            "otherrefnum": invoice.contract.customer_po,
            "subsidiary": context.subsidiary(invoice.entity),
            "custbody_tl_payment_terms": terms,
            "custbody_tl_doc_type": invoice.doc_type,
            "custbody_tl_applies_to": invoice.applies_to.invoice_id if invoice.applies_to else None,
            "custbody_tl_reason_code": invoice.reason_code,
            "custbody_tl_contract": invoice.contract.so_id,
            "custbody_tl_period_from": invoice.period_from,
            "custbody_tl_period_to": invoice.period_to,
        },
        changes,
    )


def _clearing(method: str) -> str:
    """The account between billing and revenue of a line: revenue is posted on its own, by journal."""
    return UNBILLED if method in ("TM", "TM_CAPPED", "EXPENSE") else DEFERRED


def _invoice_lines(writer: _Writer, invoice: Invoice) -> None:
    lines = writer.lines
    born, posted, rate = invoice.created_at, invoice.posted_at, invoice.exchange_rate
    base = {
        "transaction": invoice.invoice_id,
        "entity": invoice.account.customer_id,
        "subsidiary": writer.context.subsidiary(invoice.entity),
    }
    # Rounded on the running sum, so that the lines add up to the cent and the ledger balances.
    sign = -1 if invoice.doc_type == "CREDIT_NOTE" else 1
    running = booked = ZERO
    for line in invoice.lines:
        running += line.net
        amount = round_to(running * rate, CENT) - booked
        booked += amount
        number = str(line.line_no)
        lines.line(
            born,
            {
                **base,
                **_org(line.contract_line),
                "uniquekey": line.line_key,
                "id": number,
                "linesequencenumber": line.line_no,
                "item": ITEMS.get(line.source_type, ITEMS["MANUAL"]),
                "quantity": -sign * abs(line.quantity),
                "rate": line.unit_price,
                "foreignamount": -line.net,
                "netamount": -amount,
                "custcol_tl_source_type": line.source_type,
                "custcol_tl_source_id": line.source_id,
                "custcol_tl_contract_line": line.contract_line.line_key,
                "custcol_tl_period_from": line.period_from,
                "custcol_tl_period_to": line.period_to,
            },
        )
        lines.post(posted, invoice.invoice_id, number, _clearing(line.contract_line.method), -amount, rate)
    tax = round_to((running + invoice.tax) * rate, CENT) - booked
    tax_line = str(max((line.line_no for line in invoice.lines), default=0) + 1)
    lines.line(
        born,
        {
            **base,
            "uniquekey": invoice.tax_line_key,
            "id": tax_line,
            "linesequencenumber": int(tax_line),
            "taxline": True,
            "foreignamount": -invoice.tax,
            "netamount": -tax,
        },
    )
    lines.post(posted, invoice.invoice_id, tax_line, TAX, -tax, rate)
    lines.line(
        born,
        {
            **base,
            "uniquekey": invoice.main_line_key,
            "id": "0",
            "linesequencenumber": 0,
            "mainline": True,
            "foreignamount": invoice.gross,
            "netamount": booked + tax,
        },
    )
    lines.post(posted, invoice.invoice_id, "0", RECEIVABLE, booked + tax, rate)


def _payments(writer: _Writer) -> None:
    for payment in writer.context.firm.payments:
        _payment(writer, payment)


def _payment(writer: _Writer, payment: Payment) -> None:
    """Cash at the day's rate against receivables at their invoices' rates; the rest is exchange gain."""
    context, at = writer.context, payment.created_at
    subsidiary = context.subsidiary(payment.entity)
    writer.transaction(
        at,
        {
            "id": payment.payment_id,
            "type": "CustPymt",
            "tranid": payment.number,
            "trandate": payment.paid_on,
            "entity": payment.account.customer_id,
            "currency": CURRENCY_IDS[payment.currency],
            "exchangerate": payment.exchange_rate,
            "foreigntotal": payment.amount,
            "status": "C",
            "posting": True,
            "postingperiod": context.period(payment.paid_on).period_id,
            "subsidiary": subsidiary,
            "custbody_tl_posted_at": at,
        },
    )
    cash = round_to(payment.amount * payment.exchange_rate, CENT)
    applied = sum((amount for _, amount in payment.applications), ZERO)
    cleared = sum((amount * invoice.exchange_rate for invoice, amount in payment.applications), ZERO)
    cleared = round_to(cleared + (payment.amount - applied) * payment.exchange_rate, CENT)
    parts = [
        (payment.line_key, "0", BANK, payment.amount, cash),
        (writer.own_id(), "1", RECEIVABLE, -payment.amount, -cleared),
    ]
    if cash != cleared:
        parts.append((writer.own_id(), "2", EXCHANGE, ZERO, cleared - cash))
    for key, number, account, foreign, amount in parts:
        writer.lines.line(
            at,
            {
                "uniquekey": key,
                "transaction": payment.payment_id,
                "id": number,
                "linesequencenumber": int(number),
                "mainline": number == "0",
                "entity": payment.account.customer_id,
                "subsidiary": subsidiary,
                "foreignamount": foreign,
                "netamount": amount,
            },
        )
        writer.lines.post(at, payment.payment_id, number, account, amount, payment.exchange_rate)
    for invoice, amount in payment.applications:
        writer.links.record(
            at,
            {
                "previousdoc": invoice.invoice_id,
                "previousline": "0",
                "nextdoc": payment.payment_id,
                "nextline": "1",
                "linktype": "Payment",
                "foreignamount": amount,
                "previoustype": "CustInvc",
                "nexttype": "CustPymt",
            },
        )


def _purchasing(writer: _Writer) -> None:
    context = writer.context
    for order in context.firm.purchase_orders:
        value = round_to(order.rate * order.quantity, CENT)
        base = {
            "transaction": order.po_id,
            "entity": order.vendor_id,
            "subsidiary": context.subsidiary(order.entity),
        }
        writer.transaction(
            order.created_at,
            {
                "id": order.po_id,
                "type": "PurchOrd",
                "tranid": order.number,
                "trandate": order.ordered_on,
                "entity": order.vendor_id,
                "currency": CURRENCY_IDS[order.currency],
                "exchangerate": order.exchange_rate,
                "foreigntotal": value,
                "status": "B",
                "posting": False,
                "subsidiary": base["subsidiary"],
            },
        )
        writer.lines.line(
            order.created_at,
            {
                **base,
                "uniquekey": order.main_line_key,
                "id": "0",
                "linesequencenumber": 0,
                "mainline": True,
                "foreignamount": -value,
                "netamount": -round_to(value * order.exchange_rate, CENT),
            },
        )
        writer.lines.line(
            order.created_at,
            {
                **base,
                "uniquekey": order.line_key,
                "id": "1",
                "linesequencenumber": 1,
                "item": SUBCONTRACTOR_ITEM,
                "quantity": order.quantity,
                "rate": order.rate,
                "foreignamount": value,
                "netamount": round_to(value * order.exchange_rate, CENT),
                "custcol_tl_project": order.project.project_id,
                "custcol_tl_resource": order.worker.contact_id,
            },
        )
    _bills(writer)


def _bills(writer: _Writer) -> None:
    context = writer.context
    for bill in context.firm.vendor_bills:
        total = sum((line.net for line in bill.lines), ZERO)
        base = {
            "transaction": bill.bill_id,
            "entity": bill.vendor_id,
            "subsidiary": context.subsidiary(bill.entity),
        }
        writer.transaction(
            bill.created_at,
            {
                "id": bill.bill_id,
                "type": "VendBill",
                "tranid": bill.number,
                "trandate": bill.bill_date,
                "duedate": bill.bill_date + timedelta(days=30),
                "entity": bill.vendor_id,
                "currency": CURRENCY_IDS[bill.currency],
                "exchangerate": bill.exchange_rate,
                "foreigntotal": total,
                "foreignamountunpaid": total,
                "status": "A",
                "posting": True,
                "postingperiod": context.period(bill.bill_date).period_id,
                "subsidiary": base["subsidiary"],
                "custbody_tl_posted_at": bill.created_at,
            },
        )
        running = booked = ZERO
        for number, line in enumerate(bill.lines, 1):
            running += line.net
            amount = round_to(running * bill.exchange_rate, CENT) - booked
            booked += amount
            writer.lines.line(
                bill.created_at,
                {
                    **base,
                    "uniquekey": line.line_key,
                    "id": str(number),
                    "linesequencenumber": number,
                    "item": SUBCONTRACTOR_ITEM,
                    "quantity": line.hours,
                    "rate": line.rate,
                    "foreignamount": line.net,
                    "netamount": amount,
                    "custcol_tl_period_from": line.period_from,
                    "custcol_tl_period_to": line.period_to,
                    "custcol_tl_project": line.po.project.project_id,
                    "custcol_tl_resource": line.po.worker.contact_id,
                    "custcol_tl_po_line": line.po.line_key,
                },
            )
            writer.lines.post(
                bill.created_at, bill.bill_id, str(number), SUBCONTRACTORS, amount, bill.exchange_rate
            )
        writer.lines.line(
            bill.created_at,
            {
                **base,
                "uniquekey": bill.main_line_key,
                "id": "0",
                "linesequencenumber": 0,
                "mainline": True,
                "foreignamount": -total,
                "netamount": -booked,
            },
        )
        writer.lines.post(bill.created_at, bill.bill_id, "0", PAYABLE, -booked, bill.exchange_rate)


def _revenue(writer: _Writer) -> tuple[Table, Table, Table]:
    context = writer.context
    elements, plans, planned = Table(ELEMENT), Table(PLAN), Table(PLANNED)
    posted: dict[str, list[RevenueEntry]] = defaultdict(list)
    for entry in context.firm.revenue:
        posted[entry.line.line_key].append(entry)
    signed: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for amendment in context.firm.amendments:
        for at, status in amendment.statuses:
            if status == "SIGNED":
                signed[amendment.line.line_key].append((at, amendment.delta_value))
    for contract in context.firm.contracts:
        for line in contract.lines:
            value, steps = line.original_value, []
            for at, delta in sorted(signed[line.line_key]):
                value += delta
                steps.append((at, value))
            elements.record(
                contract.created_at,
                {
                    "id": line.element_id,
                    "referenceid": f"SalesOrd_{contract.so_id}_{line.line_no}",
                    "source": contract.so_id,
                    "custrecord_tl_contract_line": line.line_key,
                    "item": LINE_ITEMS[line.method],
                    "quantity": Decimal(1),
                    "salesamount": line.original_value,
                    "allocationamount": line.original_value,
                    "revrecstartdate": line.effective_from,
                    "revrecenddate": line.effective_to,
                    "currency": CURRENCY_IDS[contract.currency],
                    "exchangerate": contract.exchange_rate,
                },
                [(at, {"allocationamount": amount}) for at, amount in steps],
            )
            total = ZERO
            changes: list[Change] = [(at, {"amount": amount}) for at, amount in steps]
            for entry in sorted(posted[line.line_key], key=lambda item: (item.posted_at, item.row_id)):
                total += entry.amount
                changes.append((entry.posted_at, {"totalrecognized": total}))
            plans.record(
                contract.created_at,
                {
                    "id": line.plan_id,
                    "createdfrom": line.element_id,
                    "amount": line.original_value,
                    "totalrecognized": ZERO,
                },
                changes,
            )
    for entry in context.firm.revenue:
        _entry(context, planned, entry)
    _journals(writer)
    return elements, plans, planned


def _entry(context: Context, table: Table, entry: RevenueEntry) -> None:
    """A posting; a retainer's months stand in the plan from the order on, the rest appears as posted."""
    executed = {
        "postingperiod": context.period(entry.accounting_date).period_id,
        "custrecord_tl_amount_base": entry.amount_base,
        "dateexecuted": entry.posted_at,
        "custrecord_tl_accounting_date": entry.accounting_date,
        "custrecord_tl_journal": entry.journal_id,
    }
    foreseen = entry.line.method == "RETAINER" and entry.entry_type == "NORMAL"
    table.record(
        entry.contract.created_at if foreseen else entry.posted_at,
        {
            "id": entry.row_id,
            "revenueplan": entry.line.plan_id,
            "plannedperiod": context.period(entry.service_from).period_id,
            "amount": entry.amount,
            "custrecord_tl_service_from": entry.service_from,
            "custrecord_tl_service_to": entry.service_to,
            "custrecord_tl_entry_type": entry.entry_type,
        },
        [(entry.posted_at, executed)],
    )


def _journals(writer: _Writer) -> None:
    """Revenue journals in the entity's currency: what billing left between, into revenue."""
    grouped: dict[str, list[RevenueEntry]] = defaultdict(list)
    for entry in writer.context.firm.revenue:
        grouped[entry.journal_id].append(entry)
    one = Decimal(1)
    for journal_id, entries in grouped.items():
        first = entries[0]
        subsidiary = writer.context.subsidiary(first.contract.entity)
        posted = min(entry.posted_at for entry in entries)
        writer.transaction(
            posted,
            {
                "id": journal_id,
                "type": "Journal",
                "tranid": f"JE-{journal_id}",
                "trandate": first.accounting_date,
                "currency": CURRENCY_IDS[writer.context.entity_currency(first.contract.entity)],
                "exchangerate": one,
                "foreigntotal": sum((entry.amount_base for entry in entries), ZERO),
                "status": "B",
                "posting": True,
                "postingperiod": writer.context.period(first.accounting_date).period_id,
                "memo": "Revenue recognition",
                "subsidiary": subsidiary,
                "custbody_tl_posted_at": posted,
            },
        )
        number = -1
        for entry in entries:
            earned = EXPENSE_REVENUE if entry.line.method == "EXPENSE" else REVENUE
            for account, amount in (
                (_clearing(entry.line.method), entry.amount_base),
                (earned, -entry.amount_base),
            ):
                number += 1
                writer.lines.line(
                    entry.posted_at,
                    {
                        **_org(entry.line),
                        "uniquekey": writer.own_id(),
                        "transaction": journal_id,
                        "id": str(number),
                        "linesequencenumber": number,
                        "mainline": number == 0,
                        "entity": entry.contract.account.customer_id,
                        "subsidiary": subsidiary,
                        "foreignamount": amount,
                        "netamount": amount,
                        "memo": f"Revenue {entry.row_id}",
                    },
                )
                writer.lines.post(entry.posted_at, journal_id, str(number), account, amount, one)


def _mistyped_invoice(writer: _Writer) -> None:
    """A draft of 7 April 2026 with a typing error, deleted on 10 April: it never posted."""
    context = writer.context
    drafted, deleted = instant(date(2026, 4, 7), 10, 15), instant(date(2026, 4, 10), 9, 30)
    contract = next((item for item in context.firm.contracts if item.created_at < drafted), None)
    if contract is None:
        return
    gone: list[Change] = [(deleted, {}, "delete")]
    invoice_id, amount = writer.own_id(), Decimal("99999.00")
    base = {
        "transaction": invoice_id,
        "entity": contract.account.customer_id,
        "subsidiary": context.subsidiary(contract.entity),
    }
    writer.transaction(
        drafted,
        {
            "id": invoice_id,
            "type": "CustInvc",
            "tranid": f"DRAFT-{invoice_id}",
            "trandate": drafted.date(),
            "duedate": drafted.date() + contract.payment_terms * DAY,
            "entity": base["entity"],
            "currency": CURRENCY_IDS[contract.currency],
            "exchangerate": contract.exchange_rate,
            "foreigntotal": amount,
            "foreignamountunpaid": amount,
            "status": "D",
            "posting": False,
            "subsidiary": base["subsidiary"],
            "custbody_tl_payment_terms": contract.payment_terms,
            "custbody_tl_doc_type": "STANDARD",
            "custbody_tl_contract": contract.so_id,
            "custbody_tl_period_from": date(2026, 3, 1),
            "custbody_tl_period_to": date(2026, 3, 31),
        },
        gone,
    )
    for number, sign in (("0", 1), ("1", -1)):
        values: dict[str, Any] = {
            **base,
            "uniquekey": writer.own_id(),
            "id": number,
            "linesequencenumber": int(number),
            "mainline": number == "0",
            "foreignamount": sign * amount,
            "netamount": round_to(sign * amount * contract.exchange_rate, CENT),
        }
        if number == "1":
            values.update(
                {
                    "item": ITEMS["MANUAL"],
                    "quantity": Decimal(-1),
                    "rate": amount,
                    "custcol_tl_source_type": "MANUAL",
                    "custcol_tl_contract_line": contract.lines[0].line_key,
                    "custcol_tl_period_from": date(2026, 3, 1),
                    "custcol_tl_period_to": date(2026, 3, 31),
                }
            )
        writer.lines.line(drafted, values, gone)


SPECS: tuple[ObjectSpec, ...] = (
    SUBSIDIARY,
    CURRENCY,
    CURRENCY_RATE,
    PERIOD,
    ACCOUNT,
    CUSTOMER,
    CUSTOMER_SUBSIDIARY,
    VENDOR,
    TRANSACTION,
    LINE,
    ACCOUNTING_LINE,
    LINK,
    ELEMENT,
    PLAN,
    PLANNED,
    AMENDMENT,
    CUSTOMER_PO,
    CUSTOMER_SHARE,
    BILLING_ITEM,
)
