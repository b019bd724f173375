"""Taking things out of a finished firm with all that hangs on them."""

from __future__ import annotations

from decimal import Decimal

from sandbox.firm.state import Contract, Firm, Invoice, Project
from sandbox.firm.world import cents


def drop_contract(firm: Firm, contract: Contract) -> None:
    """Remove a contract with its amendments, billing items, documents, payments and revenue."""
    firm.contracts = [row for row in firm.contracts if row is not contract]
    firm.amendments = [row for row in firm.amendments if row.contract is not contract]
    firm.billing_items = [row for row in firm.billing_items if row.contract is not contract]
    firm.revenue = [row for row in firm.revenue if row.contract is not contract]
    for invoice in [row for row in firm.invoices if row.contract is contract]:
        drop_invoice(firm, invoice)
    for paper in firm.documents:
        # The customer signed all the same; there is no number to enter on the envelope.
        if paper.contract is contract:
            paper.contract, paper.numbers = None, []


def drop_invoice(firm: Firm, invoice: Invoice) -> None:
    """Remove a document and what was paid for it."""
    firm.invoices = [row for row in firm.invoices if row is not invoice]
    firm.payments = [row for row in firm.payments if all(paid is not invoice for paid, _ in row.applications)]


def drop_project(firm: Firm, project: Project) -> None:
    """Remove a project with its people, time, expenses, milestones, orders and billed hours."""
    firm.projects = [row for row in firm.projects if row is not project]
    firm.timecards = [row for row in firm.timecards if row.assignment.project is not project]
    firm.assignments = [row for row in firm.assignments if row.project is not project]
    firm.expenses = [row for row in firm.expenses if row.project is not project]
    firm.milestones = [row for row in firm.milestones if row.project is not project]
    for bill in firm.vendor_bills:
        bill.lines = [line for line in bill.lines if line.po.project is not project]
    firm.vendor_bills = [bill for bill in firm.vendor_bills if bill.lines]
    firm.purchase_orders = [row for row in firm.purchase_orders if row.project is not project]


def settle(firm: Firm, invoice: Invoice, gross_before: Decimal) -> None:
    """Fit the payments of a changed invoice to its new gross, in the proportion they had to
    `gross_before`."""
    credits = sum((row.gross for row in firm.invoices if row.applies_to is invoice), Decimal(0))
    before, left = gross_before + credits, invoice.gross + credits
    owed = left
    for row in firm.payments:
        if any(target is invoice for target, _ in row.applications):
            last = row.amount == before
            before -= row.amount
            row.amount = left if last else cents(owed * row.amount / (gross_before + credits))
            row.applications = [(invoice, row.amount)]
            left -= row.amount


def prune_look_alikes(firm: Firm) -> None:
    """Forget objects of look-alikes that a fault has taken out of the firm."""
    alive = {
        "billing_item": {row.source_id for row in firm.billing_items},
        "project": {row.project_id for row in firm.projects},
        "invoice": {row.invoice_id for row in firm.invoices},
    }
    for case in firm.look_alikes:
        for kind, ids in case.objects.items():
            if kind in alive:
                case.objects[kind] = [identity for identity in ids if identity in alive[kind]]
