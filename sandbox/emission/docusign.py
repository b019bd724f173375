"""Envelopes: their states, and the custom fields by which they are matched."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.emission.context import Context
from sandbox.emission.table import Change, Table, describe
from sandbox.firm.state import Envelope

# What is no field of an envelope itself stands among its custom fields.
ENVELOPES = describe(
    "envelopes",
    "Envelope",
    "envelopeId",
    """envelopeId id, status pick*, emailSubject text, signerName text, signerEmail email, createdDateTime ts
    sentDateTime ts*, deliveredDateTime ts*, completedDateTime ts*, declinedDateTime ts*, voidedDateTime ts*
    voidedReason text*, declinedReason text*, deletedDateTime ts*, purgeState pick*
    doc_type pick*, contract_number text*, opportunity_id text, account_id text, customer_name text*
    document_value money*, currency pick*, value_basis pick*, tax_amount money*, signed_on date*
    effective_from date*, retroactive bool*, extraction_confidence rate*, file_sha256 text*
    registered_sha256 text*""",
)
WORDS = {
    "CREATED": "created",
    "SENT": "sent",
    "DELIVERED": "delivered",
    "COMPLETED": "completed",
    "DECLINED": "declined",
    "VOIDED": "voided",
}
STAMPS = {
    "SENT": "sentDateTime",
    "DELIVERED": "deliveredDateTime",
    "COMPLETED": "completedDateTime",
    "DECLINED": "declinedDateTime",
    "VOIDED": "voidedDateTime",
}
BASES = {"NET": "Net", "GROSS": "Incl. tax", "INCL_EXPENSES": "Incl. expenses", "NONE": "None"}
TYPES = {"ORDER_FORM": "Order form"}
REASONS = {"DECLINED": "declinedReason", "VOIDED": "voidedReason"}


def emit(context: Context) -> list[Table]:
    """The account's one object."""
    table = Table(ENVELOPES)
    for paper in context.firm.documents:
        table.record(paper.statuses[0][0], _content(paper), _changes(paper))
    return [table]


def _content(paper: Envelope) -> dict[str, Any]:
    """The envelope as it is drafted."""
    created = paper.statuses[0][0]
    return {
        "envelopeId": paper.envelope_id,
        "status": WORDS["CREATED"],
        "emailSubject": paper.subject,
        "signerName": paper.signer[0],
        "signerEmail": paper.signer[1],
        "createdDateTime": created,
        "purgeState": "unpurged",
        "doc_type": TYPES.get(paper.doc_type, paper.doc_type),
        "contract_number": next((number for at, number in paper.numbers if at <= created), None),
        "opportunity_id": paper.deal.opp_id if paper.deal is not None else None,
        "account_id": paper.account.account_id,
        "customer_name": paper.customer_name,
        "document_value": paper.value,
        "currency": paper.currency if paper.value is not None else None,
        "value_basis": BASES[paper.value_basis],
        "tax_amount": paper.tax_amount,
        "signed_on": paper.signed_on,
        "effective_from": paper.effective_from,
        "retroactive": paper.retroactive,
        "extraction_confidence": Decimal(paper.confidence),
        "file_sha256": paper.sha256,
        "registered_sha256": paper.registered_sha256,
    }


def _changes(paper: Envelope) -> list[Change]:
    changes: list[Change] = []
    for at, status in paper.statuses[1:]:
        fields: dict[str, Any] = {"status": WORDS[status], STAMPS[status]: at}
        if status in REASONS:
            fields[REASONS[status]] = paper.reason
        changes.append((at, fields))
    changes += [
        (at, {"contract_number": number}) for at, number in paper.numbers if at > paper.statuses[0][0]
    ]
    if paper.deleted_at is not None:
        changes.append((paper.deleted_at, {"deletedDateTime": paper.deleted_at}, "delete"))
    return changes
