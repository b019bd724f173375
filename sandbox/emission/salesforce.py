"""CRM records: accounts, opportunities with their stage history and products, users."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sandbox.emission.context import CRM_METHODS, Context, emission_id, instant
from sandbox.emission.table import Change, Table, describe
from sandbox.firm.state import Deal

PROBABILITY = {
    "Qualification": Decimal(10),
    "Proposal": Decimal(40),
    "Negotiation": Decimal(60),
    "Commit": Decimal(80),
    "Closed Won": Decimal(100),
    "Closed Lost": Decimal(0),
}
SELLERS = (
    ("Alma", "Reyes"),
    ("Bodo", "Winter"),
    ("Celia", "Strand"),
    ("Desmond", "Pike"),
    ("Edith", "Molnar"),
    ("Fraser", "Nye"),
    ("Gemma", "Castro"),
    ("Halim", "Osei"),
)

ACCOUNT = describe(
    "Account",
    "Account",
    "Id",
    """Id id, Name text, ParentId ref, MasterRecordId ref, AccountNumber text, Type pick, Industry pick
    BillingCountryCode text, CurrencyIsoCode pick, OwnerId ref, Tax_Id__c text
    ERP_Customer_Id__c text*, CreatedDate ts""",
)
OPPORTUNITY = describe(
    "Opportunity",
    "Opportunity",
    "Id",
    """Id id, AccountId ref, Name text, Type pick, StageName pick*, Amount money
    Services_Amount__c money, Expense_Amount__c money, First_30_Days_Revenue__c money
    Probability percent*, CloseDate date*, IsClosed bool*, IsWon bool*, OwnerId ref
    CurrencyIsoCode pick, Legal_Entity__c text, Billing_Method__c pick, Payment_Terms__c pick
    Term_Start__c date, Term_End__c date, Planned_Start__c date, Quote_Date__c date
    Contract_Required__c bool, Parent_Opportunity__c ref, Practice__c text, Region__c text
    CreatedDate ts""",
)
HISTORY = describe(
    "OpportunityHistory",
    "Opportunity History",
    "Id",
    """Id id, OpportunityId ref, StageName pick, Amount money, Probability percent, CloseDate date
    CreatedDate ts""",
    modified=False,
)
LINE_ITEM = describe(
    "OpportunityLineItem",
    "Opportunity Product",
    "Id",
    """Id id, OpportunityId ref, ProductCode text, Description text, Quantity rate, UnitPrice money
    TotalPrice money, ServiceDate date, CurrencyIsoCode pick, CreatedDate ts""",
)
USER = describe("User", "User", "Id", "Id id, Name text, Email email, IsActive bool")


def emit(context: Context) -> list[Table]:
    """The CRM's objects."""
    return [_accounts(context), *_opportunities(context), _users(context)]


def owner_id(number: int) -> str:
    """The seller who looks after account `number`."""
    return emission_id("user", 1 + number % len(SELLERS))


def _users(context: Context) -> Table:
    table = Table(USER)
    born = instant(context.firm.start - timedelta(days=60), 9)
    for number, (first, last) in enumerate(SELLERS):
        table.record(
            born,
            {
                "Id": emission_id("user", 1 + number),
                "Name": f"{first} {last}",
                "Email": f"{first}.{last}@northgate.example".lower(),
                "IsActive": True,
            },
        )
    return table


def _accounts(context: Context) -> Table:
    table = Table(ACCOUNT)
    buyers = {deal.account.account_id for deal in context.firm.deals if deal.won_at is not None}
    for account in context.firm.accounts:
        changes: list[Change] = []
        if account.explicit_link and account.erp_at is not None:
            changes.append((account.erp_at, {"ERP_Customer_Id__c": account.customer_id}))
        table.record(
            account.created_at,
            {
                "Id": account.account_id,
                "Name": account.name,
                "AccountNumber": f"AC-{account.n:05d}",
                "Type": "Customer" if account.account_id in buyers else "Prospect",
                "Industry": account.industry,
                "BillingCountryCode": account.country,
                "CurrencyIsoCode": account.currency,
                "OwnerId": owner_id(account.n),
                "Tax_Id__c": account.tax_id,
                "CreatedDate": account.created_at,
            },
            changes,
        )
    return table


def _stage(deal: Deal, stage: str, on: date) -> dict[str, object]:
    closed = stage.startswith("Closed")
    return {
        "StageName": stage,
        "Probability": PROBABILITY[stage],
        "IsClosed": closed,
        "IsWon": stage == "Closed Won",
        "CloseDate": on if closed else deal.term_start,
    }


def _opportunities(context: Context) -> tuple[Table, Table, Table]:
    opportunities, history, items = Table(OPPORTUNITY), Table(HISTORY), Table(LINE_ITEM)
    events = 0
    for deal in context.firm.deals:
        amount = deal.services_amount + deal.expense_amount
        first_stage = deal.stages[0][1]
        opportunities.record(
            deal.created_at,
            {
                "Id": deal.opp_id,
                "AccountId": deal.account.account_id,
                "Name": deal.name,
                "Type": deal.opp_type,
                "Amount": amount,
                "Services_Amount__c": deal.services_amount,
                "Expense_Amount__c": deal.expense_amount,
                "First_30_Days_Revenue__c": deal.first_30_days_revenue,
                "OwnerId": owner_id(deal.account.n),
                "CurrencyIsoCode": deal.currency,
                "Legal_Entity__c": deal.entity,
                "Billing_Method__c": CRM_METHODS[deal.billing_method],
                "Payment_Terms__c": f"Net {deal.payment_terms}",
                "Term_Start__c": deal.term_start,
                "Term_End__c": deal.term_end,
                "Planned_Start__c": deal.planned_start,
                "Quote_Date__c": deal.quote_date,
                "Contract_Required__c": deal.contract_required,
                "Parent_Opportunity__c": deal.parent.opp_id if deal.parent else None,
                "Practice__c": deal.practice,
                "Region__c": deal.region,
                "CreatedDate": deal.created_at,
                **_stage(deal, first_stage, deal.created_at.date()),
            },
            [(at, _stage(deal, stage, at.date())) for at, stage in deal.stages],
        )
        for at, stage in deal.stages:
            events += 1
            seen = _stage(deal, stage, at.date())
            history.record(
                at,
                {
                    "Id": emission_id("opportunity_history", events),
                    "OpportunityId": deal.opp_id,
                    "StageName": stage,
                    "Amount": amount,
                    "Probability": seen["Probability"],
                    "CloseDate": seen["CloseDate"],
                    "CreatedDate": at,
                },
            )
        for position, (code, text, value) in enumerate(
            (
                ("SERVICES", "Professional services", deal.services_amount),
                ("EXPENSES", "Travel and other expenses", deal.expense_amount),
            )
        ):
            if value:
                items.record(
                    deal.created_at,
                    {
                        "Id": emission_id("opportunity_line_item", deal.n * 2 + position),
                        "OpportunityId": deal.opp_id,
                        "ProductCode": code,
                        "Description": text,
                        "Quantity": Decimal(1),
                        "UnitPrice": value,
                        "TotalPrice": value,
                        "ServiceDate": deal.planned_start,
                        "CurrencyIsoCode": deal.currency,
                        "CreatedDate": deal.created_at,
                    },
                )
    return opportunities, history, items
