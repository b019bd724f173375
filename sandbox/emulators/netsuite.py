"""NetSuite: OAuth 2.0 client credentials with a signed assertion, SuiteQL over REST, governance limits.

Switches (settings), for what is not verified of the vendor or differs per account:
  account_timezone   zone of every datetime shown ("America/Los_Angeles")
  date_format        how a date not formatted by the query is written ("MM/DD/YYYY")
  stringly           every value is a string (true); false leaves numbers as JSON numbers
  omit_nulls         a null is left out of its item (true); false writes null
  unstable_order     rows that ORDER BY does not tell apart change places between pages (true)
  row_cap            rows one query serves at most (100000)
  row_cap_mode       "truncate": hasMore turns false at the cap; "error": a page beyond it is refused
  deleted_type       what deletedrecord.type says of a transaction: "record" (invoice), "table" (transaction)
  concurrency_limit  requests served at once (15); concurrency_status what the next one gets (429)
  token_seconds      life of an access token (3600)
  stamp_precision    of lastmodifieddate: "second" or "day"
  sales_amounts      foreignamount and netamount of sales lines: "negative" (sales negative, credits positive,
                     as in the ledger), "positive" (the other way round) or "unsigned" (positive on both)
  sales_quantities   the same of their quantity
  voids              how a void shows: "flag" (voided = T) or "reversal" (an entry of its own); whoever voids
                     a transaction follows it (sandbox.habits.void)
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import duckdb
import jwt
import numpy as np
import pyarrow as pa
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.emulators.catalogue import Catalogue, Column, derived
from sandbox.emulators.credentials import claims
from sandbox.emulators.faults import ON_PAGES
from sandbox.emulators.plumbing import Emulator, Exchange, RefusedError, bearer, form, kept_of
from sandbox.emulators.render import json_text, plain_decimal
from sandbox.emulators.store import FieldDef, ObjectDef, quote
from sandbox.emulators.suiteql import Plan, SuiteQLError, Translator, strftime_format

# Transactions whose lines but the main one stand against a receivable.
SALES = ("CustInvc", "CustCred", "SalesOrd", "Estimate")
QUERY_PATH = "/services/rest/query/v1/suiteql"
TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
# Their rows go with the record they belong to; the vendor keeps no list of them.
UNLISTED = frozenset(
    (
        "transactionline",
        "transactionaccountingline",
        "nexttransactionlinelink",
        "customersubsidiaryrelationship",
        "revenueplanplannedrevenue",
        "consolidatedexchangerate",
    )
)
DELETED_FIELDS = {
    "name": "string",
    "recordid": "id",
    "recordtypeid": "int",
    "scriptid": "string",
    "context": "string",
    "deletedby": "reference",
    "deleteddate": "datetime",
    "type": "string",
    "iscustomrecord": "boolean",
    "iscustomtransaction": "boolean",
}
RECORD_TYPES = {
    "CustInvc": "invoice",
    "CustCred": "creditmemo",
    "CustPymt": "customerpayment",
    "CustDep": "customerdeposit",
    "SalesOrd": "salesorder",
    "Estimate": "estimate",
    "Journal": "journalentry",
    "PurchOrd": "purchaseorder",
    "VendBill": "vendorbill",
    "VendCred": "vendorcredit",
    "VendPymt": "vendorpayment",
    "ExpRept": "expensereport",
    "RevArrng": "revenuearrangement",
}
TITLES = {400: "Bad Request", 401: "Unauthorized", 405: "Method Not Allowed", 429: "Too Many Requests"}
FAULTS = {
    "503": (503, "UNEXPECTED_ERROR", "Service temporarily unavailable"),
    "429_seconds": (429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."),
    "429_date": (429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."),
    "request_limit": (429, "REQUEST_LIMIT_EXCEEDED", "The request limit of the account is exceeded."),
    "unexpected_error": (500, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: sandbox"),
    "query_timeout": (500, "UNEXPECTED_ERROR", "The request timed out."),
    "session_expired": (401, "INVALID_LOGIN", "Invalid login attempt: the token has expired."),
}


def problem(status: int, code: str, detail: str) -> Response:
    """An error in the vendor's form."""
    return JSONResponse(
        {
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.1",
            "title": TITLES.get(status, "Internal Server Error" if status >= 500 else "Error"),
            "status": status,
            "o:errorDetails": [{"detail": detail, "o:errorCode": code}],
        },
        status,
        media_type="application/vnd.oracle.resource+json; type=error",
    )


@dataclass
class Whole:
    """A query's rows in order, kept between pages; `rank`: the places of the order, equal where tied."""

    table: pa.Table
    rank: Any
    unique: bool
    total: int


class NetSuite(Emulator):
    """The account."""

    vendor: ClassVar[str] = "netsuite"
    defaults: ClassVar[dict[str, Any]] = {
        "account_timezone": "America/Los_Angeles",
        "date_format": "MM/DD/YYYY",
        "stringly": True,
        "omit_nulls": True,
        "unstable_order": True,
        "row_cap": 100_000,
        "row_cap_mode": "truncate",
        "deleted_type": "record",
        "concurrency_limit": 15,
        "concurrency_status": 429,
        "token_seconds": 3600,
        "stamp_precision": "second",
        "sales_amounts": "negative",
        "sales_quantities": "negative",
        "voids": "flag",
    }

    def __init__(
        self,
        root: Path,
        credentials: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        store: str | None = None,
    ) -> None:
        super().__init__(root, credentials, settings, store)
        self.catalogue = Catalogue(self.store, self.faults, self._derived)
        self._tokens: dict[str, float] = {}
        self._results: OrderedDict[tuple[str, int, int], Whole] = OrderedDict()
        self._deleted_at: int | None = None
        self._requests = 0
        self._running = 0
        self._lock = threading.RLock()
        self.store.set_local_zone(str(self.settings["account_timezone"]))

    def routes(self) -> list[Route]:
        """Paths of the account's REST host."""
        return [
            Route(TOKEN_PATH, self.endpoint(self.token), methods=["POST"]),
            Route(QUERY_PATH, self.endpoint(self.suiteql), methods=["POST"]),
            Route(QUERY_PATH, self.endpoint(self.wrong_method), methods=["GET", "PUT", "PATCH", "DELETE"]),
            Route(
                "/services/rest/system/v1/governanceLimits", self.endpoint(self.governance), methods=["GET"]
            ),
            Route("/services/{rest:path}", self.endpoint(self.unknown), methods=["GET", "POST"]),
        ]

    def failure(self, kind: str) -> Response:
        """The vendor's answer for a fault."""
        return problem(*FAULTS[kind])

    def refresh(self) -> None:
        """Also follow the account's time zone."""
        super().refresh()
        self.store.set_local_zone(str(self.settings["account_timezone"]))

    def reset(self) -> None:
        """Also forget cached results; tokens stay good."""
        super().reset()
        with self._lock:
            self._results.clear()

    # --- who may ask

    def token(self, exchange: Exchange) -> Response:
        """An access token for an assertion signed with the mapped certificate's key."""
        self.strike(exchange)
        fields = form(exchange)
        own = self.credentials["netsuite"]
        if fields.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if fields.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return JSONResponse({"error": "invalid_request"}, 400)
        clocks = [datetime.now(UTC), self.store.now.replace(tzinfo=UTC)]
        assertion = fields.get("client_assertion", "")
        try:
            header = jwt.get_unverified_header(assertion)
            found = claims(assertion, Path(own["public_key"]), ["PS256"], clocks)
        except jwt.InvalidTokenError:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if header.get("kid") != own["certificate_id"] or found["iss"] != own["client_id"]:
            return JSONResponse({"error": "invalid_client"}, 401)
        audience = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
        if f"{exchange.base}{TOKEN_PATH}" not in audience:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if "iat" not in found or int(found["exp"]) - int(found["iat"]) > 3600:
            return JSONResponse({"error": "invalid_grant"}, 400)
        scope = found.get("scope")
        if "rest_webservices" not in (scope if isinstance(scope, list) else str(scope or "").split()):
            return JSONResponse({"error": "invalid_scope"}, 400)
        token = base64.urlsafe_b64encode(secrets.token_bytes(48)).decode()
        with self._lock:
            self._tokens[token] = time.monotonic() + float(self.settings["token_seconds"])
        return JSONResponse(
            {"access_token": token, "expires_in": str(self.settings["token_seconds"]), "token_type": "bearer"}
        )

    def _enter(self, exchange: Exchange, obj: str | None = None) -> None:
        token = bearer(exchange)
        with self._lock:
            if token is None or self._tokens.get(token, 0.0) <= time.monotonic():
                raise RefusedError(
                    problem(
                        401, "INVALID_LOGIN", "Invalid login attempt. For more details, see the audit trail."
                    )
                )
        try:
            self.strike(exchange, obj)
        except RefusedError as refusal:
            if refusal.fault == "session_expired":
                with self._lock:
                    self._tokens.pop(token, None)
            raise

    # --- what there is

    def unknown(self, exchange: Exchange) -> Response:
        """Any other path."""
        return problem(404, "NONEXISTENT_ID", "The requested resource does not exist.")

    def wrong_method(self, exchange: Exchange) -> Response:
        """SuiteQL is posted."""
        return problem(405, "METHOD_NOT_ALLOWED", "Use POST.")

    def governance(self, exchange: Exchange) -> Response:
        """Concurrency limits of the account."""
        self._enter(exchange)
        most = int(self.settings["concurrency_limit"])
        return JSONResponse(
            {"accountConcurrencyLimit": most, "accountUnallocatedConcurrencyLimit": most, "links": []}
        )

    def _derived(self, definition: ObjectDef) -> list[Column]:
        if not definition.modified:
            return []
        name = "linelastmodifieddate" if definition.name == "transactionline" else "lastmodifieddate"
        day = self.settings["stamp_precision"] == "day"
        stamp = "cast(cast({a}._modified as DATE) as TIMESTAMP)" if day else "{a}._modified"
        return [derived(name, "datetime", "TIMESTAMP", stamp)]

    def _object(self, name: str) -> ObjectDef | None:
        if name.lower() == "deletedrecord":
            if self.faults.standing("permission_lost", "deletedrecord"):
                return None
            fields = {key: FieldDef(key, kind, DELETED_SQL[kind], {}) for key, kind in DELETED_FIELDS.items()}
            return ObjectDef("deletedrecord", "Deleted Record", ("recordid",), fields, False, frozenset(), {})
        return self.catalogue.object(name)

    def _columns(self, definition: ObjectDef) -> dict[str, Column]:
        if definition.name == "deletedrecord":
            return {
                name: Column(name, item.type, item.sql_type, name, item, "{a}." + quote(name))
                for name, item in definition.fields.items()
            }
        columns = self.catalogue.columns(definition)
        return self._signed(columns) if definition.name == "transactionline" else columns

    def _signed(self, columns: dict[str, Column]) -> dict[str, Column]:
        """Fields of a transaction line with the sign that the account prints on sales."""
        turned = dict(columns)
        for setting, names in (
            ("sales_amounts", ("foreignamount", "netamount")),
            ("sales_quantities", ("quantity",)),
        ):
            way = str(self.settings[setting])
            for name in names:
                column = columns.get(name)
                # A column that drift made text keeps what drift wrote.
                if way == "negative" or column is None or column.definition is None:
                    continue
                types = "('CustInvc', 'SalesOrd', 'Estimate')" if way == "unsigned" else str(SALES)
                of_sales = (
                    f"exists (select 1 from {self.store.state('transaction')} as owner "
                    f"where cast(owner.id as VARCHAR) = cast({{a}}.transaction as VARCHAR) "
                    f"and owner.type in {types})"
                )
                turned[name] = replace(
                    column,
                    expression=f"(case when not {{a}}.mainline and {of_sales} then -{column.expression} "
                    f"else {column.expression} end)",
                )
        return turned

    def _table(self, name: str) -> str:
        return self._deletions() if name == "deletedrecord" else self._live(name)

    def _live(self, name: str) -> str:
        """A view of the state without what is deleted: this vendor shows no deleted rows."""
        state = self.store.state(name)
        view = quote(f"live_{name}")
        self.store.rows(f"create or replace view {view} as select * from {state} where _op <> 'delete'")
        return view

    def _deletions(self) -> str:
        """The table of deletions up to now, one row per deletion of a listed record."""
        view = quote("deletedrecord")
        # Loading an object moves the generation, so all are loaded before it is looked at.
        parts = []
        zone = str(self.settings["account_timezone"]).replace("'", "''")
        for number, (name, definition) in enumerate(self.store.objects.items(), start=1):
            listed = definition.raw.get("deleted_listed", len(definition.key) == 1 and name not in UNLISTED)
            if not listed:
                continue
            versions = self.store.versions(name)
            fields = {key.lower(): key for key in definition.fields}
            kind = f"'{name}'"
            if name == "transaction" and self.settings["deleted_type"] == "record":
                kind = _record_type(fields)
            label = next((fields[key] for key in ("tranid", "entityid", "name") if key in fields), None)
            custom = "true" if name.startswith("customrecord") else "false"
            parts.append(
                f"select {f'cast({quote(label)} as VARCHAR)' if label else 'null::VARCHAR'} as name, "
                f"cast({quote(definition.key[0])} as VARCHAR) as recordid, "
                f"{-number}::BIGINT as recordtypeid, "
                f"upper({kind}) as scriptid, 'UIF' as context, '-5' as deletedby, "
                f"timezone('{zone}', timezone('UTC', _valid_from)) as deleteddate, {kind} as type, "
                f"{custom} as iscustomrecord, false as iscustomtransaction from {versions} "
                f"where _op = 'delete' and _prev_op is distinct from 'delete' "
                f"and _valid_from <= TIMESTAMP '{self.store.now.isoformat(sep=' ')}'"
            )
        if self._deleted_at != self.store.generation:
            self.store.rows(f"create or replace table {view} as " + " union all ".join(parts))
            self._deleted_at = self.store.generation
        return view

    def _cut(self, exchange: Exchange, name: str) -> str | None:
        """The greatest key of `name` a truncated extract still serves, as SQL; None without the fault."""
        rule = self.faults.take("truncate_extract", exchange.path, name)
        if rule is None or name == "deletedrecord":
            return None
        table = self._live(name)
        key = quote(self.store.objects[name].key[0])
        total = int(self.store.rows(f"select count(*) from {table}")[0][0])
        kept = kept_of(total, rule)
        if kept < 1:
            return "null"
        found = self.store.rows(f"select {key} from {table} order by {key} limit 1 offset {kept - 1}")[0][0]
        return str(found) if isinstance(found, int) else "'" + str(found).replace("'", "''") + "'"

    # --- queries

    def suiteql(self, exchange: Exchange) -> Response:
        """POST {"q": ...}?limit&offset with Prefer: transient."""
        with self._lock:
            self._running += 1
            crowded = self._running > int(self.settings["concurrency_limit"])
        try:
            if crowded:
                _status, code, detail = FAULTS["429_seconds"]
                return problem(int(self.settings["concurrency_status"]), code, detail)
            return self._suiteql(exchange)
        finally:
            with self._lock:
                self._running -= 1

    def _suiteql(self, exchange: Exchange) -> Response:
        body = exchange.json()
        text = str(body.get("q") or "") if isinstance(body, dict) else ""
        exchange.note["suiteql"] = text
        refusal: str | None = None
        plan: Plan | None = None
        with self.store.lock:
            try:
                plan = self._translator(exchange).translate(text)
            except SuiteQLError as error:
                refusal = str(error)
        self._enter(exchange, plan.objects[0] if plan and plan.objects else None)
        if exchange.headers.get("prefer", "").replace(" ", "").lower() != "transient":
            return problem(400, "INVALID_HEADER", "The required header Prefer: transient is missing.")
        try:
            limit = int(exchange.query.get("limit", "1000"))
            offset = int(exchange.query.get("offset", "0"))
        except ValueError:
            return problem(400, "INVALID_PARAMETER", "limit and offset must be whole numbers.")
        if not 1 <= limit <= 1000:
            return problem(400, "INVALID_PARAMETER", "Provide a valid limit between 1 and 1000.")
        if offset < 0 or offset % limit:
            return problem(400, "INVALID_PARAMETER", "The offset must be divisible by the limit.")
        if plan is None:
            return self._refuse_query(str(refusal))
        if offset >= int(self.settings["row_cap"]) and self.settings["row_cap_mode"] == "error":
            return problem(400, "INVALID_PARAMETER", f"offset must be below {self.settings['row_cap']}.")
        self._requests += 1
        try:
            with self.store.lock:
                page, total, stuck = self._rows(exchange, plan, text, limit, offset)
        except duckdb.Error as error:
            return self._refuse_query(f"Invalid or unsupported search: {str(error).splitlines()[0]}")
        return self._answer_page(exchange, plan, page, total, limit, offset, stuck)

    def _refuse_query(self, reason: str) -> Response:
        return problem(
            400,
            "INVALID_PARAMETER",
            "Invalid search query. Detailed unprocessed description follows. "
            f"Search error occurred: {reason}",
        )

    def _translator(self, exchange: Exchange) -> Translator:
        zone = ZoneInfo(str(self.settings["account_timezone"]))
        local = self.store.now.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
        return Translator(
            self._object,
            self._columns,
            self._table,
            lambda name: self._cut(exchange, name),
            local,
            str(self.settings["date_format"]),
        )

    def _rows(
        self, exchange: Exchange, plan: Plan, text: str, limit: int, offset: int
    ) -> tuple[pa.Table, int, bool]:
        """(rows of the page, rows in all, whether the next link leads here again)."""
        inner = plan.inner + (f" limit {plan.limit}" if plan.limit is not None and not plan.terms else "")
        unordered = self.faults.take("unordered", exchange.path, exchange.obj) is not None
        if unordered:
            exchange.note["bent"] = "unordered"
        seed = (self._requests * 7919) % 1_000_003 if self.settings["unstable_order"] or unordered else 0
        paging = any(
            self.faults.awaits(kind, exchange.path, exchange.obj) for kind in ON_PAGES if kind != "unordered"
        )
        if offset == 0 and plan.tied and plan.limit is None and not paging:
            # The first page alone: the newest rows by the order, no more work than that.
            order = [] if unordered else [term.sql for term in plan.terms]
            order.append(f"hash(_tie, {seed})" if seed else "_tie")
            sql = f"select * from ({inner}) as found order by {', '.join(order)} limit {limit + 1}"
            if plan.first is not None and not unordered:
                sql = plan.first.format(limit=limit + 1, seed=seed)
            page = self.store.query(sql)
            total = page.num_rows
            if total > limit:
                total = int(self.store.rows(f"select count(*) from ({inner}) as found")[0][0])
            self.check_timeout(exchange, total)
            exchange.note["rows"] = min(limit, page.num_rows)
            return page.slice(0, limit), total, False
        whole = self._whole(plan, inner, text)
        self.check_timeout(exchange, whole.total)
        table = whole.table
        if seed and table.num_rows > 1 and (unordered or not whole.unique):
            generator = np.random.default_rng(seed)
            order_now = generator.permutation(table.num_rows)
            if not unordered:
                order_now = order_now[np.argsort(whole.rank[order_now], kind="stable")]
            table = table.take(pa.array(order_now))
        part = self.page(exchange, table, offset, limit)
        if part.stuck and offset:
            part = self.page(exchange, table, offset - limit, limit)
            return part.table, whole.total, True
        return part.table, whole.total, part.stuck

    def _whole(self, plan: Plan, inner: str, text: str) -> Whole:
        key = (text, self.store.generation, self.faults.generation)
        cached = self._results.get(key)
        if cached is not None:
            return cached
        cap = int(self.settings["row_cap"])
        ranking = (
            f"dense_rank() over (order by {', '.join(term.sql for term in plan.terms)})"
            if plan.terms
            else "1"
        )
        limited = cap if plan.limit is None else min(cap, plan.limit)
        table = self.store.query(
            f"select *, {ranking} as _rank from ({inner}) as found "
            f"order by _rank{', _tie' if plan.tied else ''} limit {limited}"
        )
        total = table.num_rows
        if total == cap:
            total = int(self.store.rows(f"select count(*) from ({inner}) as found")[0][0])
        rank = table.column("_rank").to_numpy()
        whole = Whole(table, rank, bool(len(np.unique(rank)) == len(rank)), total)
        self._results[key] = whole
        while len(self._results) > 8:
            self._results.popitem(last=False)
        return whole

    def _answer_page(
        self, exchange: Exchange, plan: Plan, page: pa.Table, total: int, limit: int, offset: int, stuck: bool
    ) -> Response:
        served = min(total, int(self.settings["row_cap"]))
        if self.settings["row_cap_mode"] == "error":
            served = total
        more = stuck or offset + limit < served
        here = f"{exchange.base}{QUERY_PATH}?limit={limit}&offset="
        links = [{"rel": "self", "href": f"{here}{offset}"}]
        if offset:
            links.append({"rel": "previous", "href": f"{here}{max(offset - limit, 0)}"})
        if more:
            links.append({"rel": "next", "href": f"{here}{offset if stuck else offset + limit}"})
        items = self._items(plan, page)
        body = (
            f'{{"links":{json.dumps(links)},"count":{len(items)},"hasMore":{"true" if more else "false"},'
            f'"items":[{",".join(items)}],"offset":{offset},"totalResults":{total}}}'
        )
        return Response(body, media_type="application/vnd.oracle.resource+json; type=collection")

    def _items(self, plan: Plan, page: pa.Table) -> list[str]:
        """Rows as JSON text: lower-case keys, strings, nulls left out."""
        if page.num_rows == 0:
            return []
        pattern = strftime_format(str(self.settings["date_format"]))
        pieces = []
        for index, name in enumerate(plan.outputs):
            column, kind = quote(page.schema.field(index).name), page.schema.field(index).type
            label = json.dumps(name).replace("'", "''")
            if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind):
                text = plain_decimal(column, kind, fraction=False)
                value = f"'\"' || {text} || '\"'" if self.settings["stringly"] else text
            elif pa.types.is_boolean(kind):
                value = f"case when {column} then '\"T\"' when not {column} then '\"F\"' end"
            elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
                value = f"'\"' || strftime({column}, '{pattern}') || '\"'"
            else:
                text = f"cast({column} as VARCHAR)"
                value = f"case when {column} is not null then {json_text(text)} end"
            if not self.settings["omit_nulls"]:
                value = f"coalesce({value}, 'null')"
            # A null value makes its piece null, and concat_ws leaves that out.
            piece = f"'{label}:' || {value}"
            pieces.append(piece)
        return [
            str(item)
            for item in self.store.over(
                page, f"select '{{' || concat_ws(',', '\"links\":[]', {', '.join(pieces)}) || '}}' from page"
            )
        ]


def _record_type(fields: dict[str, str]) -> str:
    """SQL of a transaction's record type, from its `recordtype` or the code in its `type`."""
    if "recordtype" in fields:
        return f"coalesce({quote(fields['recordtype'])}, 'transaction')"
    if "type" not in fields:
        return "'transaction'"
    column = quote(fields["type"])
    whens = " ".join(f"when '{code}' then '{name}'" for code, name in RECORD_TYPES.items())
    return f"(case {column} {whens} else lower({column}) end)"


DELETED_SQL = {
    "string": "VARCHAR",
    "id": "VARCHAR",
    "int": "BIGINT",
    "reference": "VARCHAR",
    "datetime": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
