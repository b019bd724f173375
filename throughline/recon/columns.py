"""The columns of the report's sheets: their machine names, kinds, widths and meanings."""

from __future__ import annotations

from dataclasses import dataclass

TEXT, MONEY, COUNT, DAY, VALUE, INSTANT = "text", "money", "count", "day", "value", "instant"


@dataclass(frozen=True)
class Column:
    """One column: machine name, kind of its cells, width in characters, and what it means."""

    name: str
    kind: str
    width: int
    meaning: str


EXCEPTIONS = (
    Column("exception_id", TEXT, 30, "Stable id of the exception; never used twice."),
    Column("control_id", TEXT, 13, "The control that found it."),
    Column("control_name", TEXT, 40, "The control in words."),
    Column("severity", TEXT, 9, "S1 (gravest) to S4."),
    Column("risk_type", TEXT, 12, "LEAKAGE, OVERBILL, MISSTATE, TIMING, COMPLIANCE or DATA."),
    Column("status", TEXT, 13, "What people have made of it: NEW, ASSIGNED, IN_PROGRESS, REOPENED ..."),
    Column(
        "first_seen_on",
        DAY,
        12,
        "First as-of date of a published run that had it; kept when it comes back.",
    ),
    Column("age_days", COUNT, 9, "Days since it became an exception."),
    Column("age_bucket", TEXT, 10, "The same in buckets."),
    Column("period_first_seen", TEXT, 10, "Month of first_seen_on."),
    Column("occurrences", COUNT, 11, "Published runs that had it, this one included."),
    Column("is_new", TEXT, 7, "Y when no run published before had it; what came back is N and REOPENED."),
    Column("legal_entity", TEXT, 12, "Legal entity."),
    Column("region", TEXT, 15, "Region of the contract line or project."),
    Column("service_line", TEXT, 22, "Practice of the contract line or project."),
    Column("customer", TEXT, 28, "Customer."),
    Column("contract_id", TEXT, 24, "Contract (ERP key)."),
    Column("project_id", TEXT, 34, "Project (PSA key)."),
    Column("document_no", TEXT, 36, "The document or record to look at."),
    Column("business_date", DAY, 12, "Date of the business it is about."),
    Column("system_a", TEXT, 12, "System of record for what is compared."),
    Column("value_a", VALUE, 18, "What it says."),
    Column("system_b", TEXT, 12, "The other system."),
    Column("value_b", VALUE, 18, "What that says."),
    Column("currency", TEXT, 9, "Currency of the values and of difference_tc."),
    Column("difference_tc", MONEY, 16, "value_b less value_a; negative means B is short."),
    Column("difference_rc", MONEY, 16, "The same in the reporting currency, where it is money."),
    Column("tolerance", TEXT, 44, "Differences that break it, in the currency of the row."),
    Column("amount_at_risk_rc", MONEY, 18, "Money exposed, in the reporting currency."),
    Column("counted_in_headline", TEXT, 10, "Y on the rows whose amounts add up to the run's headline."),
    Column("root_exception_id", TEXT, 30, "The exception that explains this one."),
    Column("what_is_wrong", TEXT, 70, "The finding in one sentence."),
    Column("why_it_matters", TEXT, 60, "What it costs if left."),
    Column("suggested_action", TEXT, 60, "What to do."),
    Column("owner_role", TEXT, 15, "Who mends it."),
    Column("assignee", TEXT, 16, "Who works on it."),
    Column("due_on", DAY, 12, "Day an assignment named, else the SLA's working days of the legal entity."),
    Column("comment_latest", TEXT, 40, "Last comment."),
    Column("comment_count", COUNT, 9, "Comments."),
    Column("root_cause_code", TEXT, 16, "Cause, as people coded it."),
    Column("resolution_code", TEXT, 16, "Resolution, as people coded it."),
    Column("resolved_on", DAY, 12, "Day somebody declared it resolved, until a run finds it again."),
    Column("resolved_by", TEXT, 14, "Who did."),
    Column("evidence_link", TEXT, 44, "How to see all that is known of it."),
    Column("source_record_ids", TEXT, 44, "Keys of the records it rests on."),
    Column("waiver_id", TEXT, 14, "Waiver that covers it."),
    Column(
        "prior_period_amount",
        MONEY,
        18,
        "Amount at risk in the prior period (see 00_Cover).",
    ),
    Column(
        "change_vs_prior",
        MONEY,
        16,
        "Amount at risk now less then.",
    ),
)

_PENDING = (
    "exception_id", "control_id", "control_name", "severity", "risk_type", "legal_entity", "customer",
    "contract_id", "project_id", "document_no", "business_date", "currency", "amount_at_risk_rc",
    "what_is_wrong", "suggested_action", "owner_role",
)  # fmt: skip
PENDING = (
    *(column for column in EXCEPTIONS if column.name in _PENDING),
    Column("becomes_exception_on", DAY, 14, "First day on which it will be an exception."),
)

SUMMARY = (
    Column("control_id", TEXT, 13, "The control."),
    Column("control_name", TEXT, 40, "The control in words."),
    Column("owner_role", TEXT, 15, "Who mends what it finds."),
    Column("status", TEXT, 15, "CLEAN, EXCEPTIONS, NOT_EVALUABLE or NO_POPULATION."),
    Column("population_count", COUNT, 12, "Grains looked at."),
    Column("population_amount", MONEY, 18, "Money looked at, in the reporting currency; blank when unknown."),
    Column("pass_count", COUNT, 10, "Grains that passed."),
    Column("pass_amount", MONEY, 18, "Their money."),
    Column("pending_count", COUNT, 10, "Grains within their grace."),
    Column("pending_amount", MONEY, 16, "Their amount at risk."),
    Column("exception_count", COUNT, 11, "Exceptions."),
    Column(
        "exception_amount",
        MONEY,
        18,
        "Their amount at risk; blank when one is unknown; controls may overlap.",
    ),
    Column("waived_count", COUNT, 10, "Exceptions an approved waiver covers."),
    Column("waived_amount", MONEY, 16, "Their amount at risk."),
    Column("not_evaluable_count", COUNT, 12, "What could not be judged."),
    Column("prior_exception_count", COUNT, 12, "Exceptions in the prior period (see 00_Cover)."),
    Column("prior_exception_amount", MONEY, 18, "Their amount at risk then."),
    Column("change_count", COUNT, 10, "Change in number; blank without a prior period."),
    Column("change_amount", MONEY, 16, "Change in amount, likewise."),
    Column("reason", TEXT, 44, "Why a control could not run, looked at nothing, or has no sum of amounts."),
)

ROLL_FORWARDS = (
    Column("balance", TEXT, 18, "BACKLOG, WIP, DEFERRED_REVENUE or RECEIVABLES (tax included)."),
    Column("legal_entity", TEXT, 12, "Legal entity."),
    Column("currency", TEXT, 9, "Currency of the amounts: the contract's or the document's."),
    Column("as_of", DAY, 12, "Date the line leads to, from the date before: the newest thirteen."),
    Column("line", TEXT, 26, "OPENING, what moved it (a movement that is nothing is left out), CLOSING."),
    Column("amount_tc", MONEY, 17, "With the sign with which it moves the balance."),
    Column(
        "check",
        TEXT,
        16,
        "Of an opening, whether it MEETS the closing before; of a closing, whether opening and movements make"
        " it: FOOTS. The first date has no closing before.",
    ),
)
TIE_OUTS = (
    Column(
        "statement",
        TEXT,
        15,
        "AR_CONTROL: open documents less cash not applied, against the ledger's accounts of receivables."
        " AR_AGEING, BILLINGS, REVENUE: against the ERP's list. TRIAL_BALANCE: landed postings by account.",
    ),
    Column("level", TEXT, 7, "LINE: the two sides; ITEM: what the line's difference consists of, below it."),
    Column("as_of", DAY, 12, "Day both sides are of: the newest there is."),
    Column("printed_at", INSTANT, 20, "When the report was printed (UTC)."),
    Column("legal_entity", TEXT, 12, "Legal entity."),
    Column("what", TEXT, 40, "Of an item: customer or document. Of a trial balance: the account."),
    Column("currency", TEXT, 9, "Currency of the amounts: the document's; of accounts the entity's."),
    Column("amount_tc", MONEY, 17, "What the warehouse says; blank where a part has no exchange rate."),
    Column("other_tc", MONEY, 17, "What the other side says; blank where it says nothing of the entity."),
    Column("difference_tc", MONEY, 17, "The warehouse less the other side."),
    Column("entered_later_tc", MONEY, 17, "What of the warehouse's amount was entered after the print."),
    Column("unexplained_tc", MONEY, 17, "The rest of the difference."),
    Column("tolerance_tc", MONEY, 12, "Up to which a difference is rounding."),
    Column(
        "result",
        TEXT,
        15,
        "TIES; ENTERED_LATER: all of it was entered after the print; DIFFERS; NO_REPORT: the other side says"
        " nothing; UNKNOWN: no exchange rate.",
    ),
)

RESTATEMENTS = (
    Column(
        "level",
        TEXT,
        8,
        "METRIC: what was reported of a closed month and what is known now; RECORD: what the difference is"
        " made of, below the metrics of its month and legal entity.",
    ),
    Column("legal_entity", TEXT, 12, "Legal entity."),
    Column("period", TEXT, 9, "The closed month."),
    Column("area", TEXT, 6, "Of a record: GL, AR or AP."),
    Column("what", TEXT, 24, "The metric, or the record's kind of movement."),
    Column("record", TEXT, 40, "The record in its own system."),
    Column(
        "cause",
        TEXT,
        13,
        "LATE_ENTRY: made after the close; LATE_LOAD: made before, landed after; CORRECTION; FX: changed in"
        " worth alone; MAPPING: moved to another place.",
    ),
    Column("change", TEXT, 12, "ADDED to the month, TAKEN_BACK from it, or CHANGED."),
    Column(
        "treatment",
        TEXT,
        26,
        "RESTATE while softly closed or reopened; CURRENT_PERIOD_CATCH_UP once closed hard.",
    ),
    Column("business_date", DAY, 12, "Date of the business it is about."),
    Column("recorded_at", INSTANT, 20, "When the record was made in its system (UTC), where that says."),
    Column("detected_at", INSTANT, 20, "When the warehouse learnt of it (UTC)."),
    Column("currency", TEXT, 9, "Currency of difference_tc."),
    Column("difference_tc", MONEY, 17, "The change in the transaction currency."),
    Column("as_reported_rc", MONEY, 17, "What was reported at the close, in the reporting currency."),
    Column("difference_rc", MONEY, 17, "What was learnt since, at the rates of the business dates."),
    Column("as_now_known_rc", MONEY, 17, "What is known now."),
)

NOT_EVALUABLE = (
    Column("exception_id", TEXT, 30, "Stable id."),
    Column("control_id", TEXT, 13, "The control that could not judge."),
    Column("control_name", TEXT, 40, "The control in words."),
    Column("severity", TEXT, 9, "Severity of what stopped it."),
    Column("grain_or_dataset", TEXT, 44, "The dataset that failed, or the grain that lacks an input."),
    Column("reason", TEXT, 60, "Why."),
    Column("effect", TEXT, 60, "What this means for the report."),
)

MANIFEST = (
    Column("kind", TEXT, 10, "source: what was loaded; published: a table of the published file."),
    Column("dataset", TEXT, 36, "What was loaded, or the table."),
    Column("status", TEXT, 10, "Verdict of the load control."),
    Column("load_id", TEXT, 20, "Newest load known to the run."),
    Column("loaded_at", INSTANT, 20, "When it ran (UTC)."),
    Column("load_status", TEXT, 10, "How it ended."),
    Column("parameters", TEXT, 36, "Field of the source its control sum is taken over."),
    Column("cursor_from", INSTANT, 20, "Window read, from (UTC); blank = from the beginning."),
    Column("cursor_to", INSTANT, 20, "Window read, to (UTC)."),
    Column("source_count", COUNT, 12, "Rows the source says it holds."),
    Column("held_count", COUNT, 12, "Rows held of it: live landed rows and open rejects; rows of the table."),
    Column("reject_count", COUNT, 10, "Open rejects."),
    Column("source_amount", MONEY, 20, "Control sum of the source, over all currencies."),
    Column("held_amount", MONEY, 20, "The same over what is held."),
    Column("content_hash", TEXT, 66, "SHA-256 of a table's sorted rows; hash of a source's columns."),
    Column("controls", TEXT, 50, "Controls that read it."),
)

DICTIONARY = (
    Column("kind", TEXT, 12, "column, control, parameter or rate."),
    Column("name", TEXT, 36, "What is explained."),
    Column("meaning", TEXT, 100, "The explanation."),
)
