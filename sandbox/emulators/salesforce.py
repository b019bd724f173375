"""Salesforce, with Certinia's pse__ objects on the same host: OAuth, describe, SOQL over REST, Bulk API 2.0.

Switches (settings), for what is not verified of the vendor or differs per org:
  multi_currency            CurrencyIsoCode, CurrencyType and DatedConversionRate exist (true)
  rest_datetime_suffix      "+0000"; how REST ends a datetime
  csv_datetime_suffix       "Z"; how a Bulk CSV does
  honour_batch_size         whether Sforce-Query-Options is followed (true)
  batch_size                rows of a REST batch without it (2000)
  system_edit_moves_modified  whether a system edit moves LastModifiedDate too (false)
  strict_audience           whether a JWT must name this host (true)
  recycle_days              15
  daily_api_limit           100000
  csv_quoting               "minimal" or "all"
  csv_booleans              ["true", "false"]; how a Bulk CSV writes a checkbox
  bulk_aggregates           whether a bulk job takes an aggregate query (false)
  job_details               whether a job tells its rows, retries and time (true)
  session_seconds           life of a session (7200)
  dead_session              body of a 401: "list" (of one error) or "object"
  formulas_move_stamp       whether a changed formula or roll-up moves SystemModstamp (false)
  deleted_feed_behind       seconds by which the deleted-records feed lags behind (0)
  bulk_polls                polls a job takes before it is complete (1)
  bulk_page_rows            rows per result page when maxRecords is absent (100000)
  max_uri                   16384 bytes
  billing_event_links       pse__Billing_Event_Item__c of splits, expenses and milestones: "hidden" (the user
                            may not see it), "nulled" (empty once its event is deleted, the new item when
                            it is run again) or "kept" (it goes on naming the first item, deleted or not)
  split_ids                 what approving a card again does to its splits: "kept" (they are changed) or
                            "renewed" (deleted and made again); sandbox.habits.approve_again follows it
"""

from __future__ import annotations

import base64
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, unquote_plus

import duckdb
import jwt
import pyarrow as pa
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.emulators.catalogue import Catalogue, Column, derived
from sandbox.emulators.credentials import claims
from sandbox.emulators.plumbing import Emulator, Exchange, RefusedError, bearer, form
from sandbox.emulators.render import salesforce_csv, salesforce_records
from sandbox.emulators.soql import Compiled, Compiler, Parser, SoqlError
from sandbox.emulators.store import ObjectDef, utc_naive
from throughline.clock import parse_instant

OLDEST_VERSION, WARNED_BELOW, NEWEST_VERSION, BULK_SINCE = 31, 41, 68, 47
EVENT_ITEM = "pse__Billing_Event_Item__c"
# What a billing event takes up -> the item's reference to it.
BILLED_BY = {
    "pse__Timecard__c": "pse__Timecard_Split__c",
    "pse__Expense__c": "pse__Expense__c",
    "pse__Milestone__c": "pse__Milestone__c",
}
CURRENCY_OBJECTS = ("CurrencyType", "DatedConversionRate")
NOT_DELETABLE = ("User", *CURRENCY_OBJECTS)
# Where a relationship's name does not say which object it leads to.
KNOWN_PARENTS = {
    "ownerid": "User",
    "createdbyid": "User",
    "lastmodifiedbyid": "User",
    "parentid": "Account",
    "pse__account__c": "Account",
    "pse__opportunity__c": "Opportunity",
    "pse__project__c": "pse__Proj__c",
    "pse__parent_project__c": "pse__Proj__c",
    "pse__master_project__c": "pse__Proj__c",
    "pse__group__c": "pse__Grp__c",
    "pse__resource__c": "Contact",
    "pse__approver__c": "Contact",
    "pse__project_manager__c": "Contact",
    "pse__vendor_account__c": "Account",
    "pse__opportunity_product__c": "OpportunityLineItem",
    "pse__timecard_split__c": "pse__Timecard__c",
}
SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "double": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}
MESSAGES = {
    "503": ("SERVER_UNAVAILABLE", "The server is temporarily unavailable", 503),
    "429_seconds": ("TOO_MANY_REQUESTS", "Too many requests", 429),
    "429_date": ("TOO_MANY_REQUESTS", "Too many requests", 429),
    "unexpected_error": ("UNKNOWN_EXCEPTION", "An unexpected error occurred", 500),
    "session_expired": ("INVALID_SESSION_ID", "Session expired or invalid", 401),
    "request_limit": ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403),
    "query_timeout": ("QUERY_TIMEOUT", "Your query request was running for too long.", 400),
}


def problem(code: str, message: str, status: int = 400) -> Response:
    """An error in the vendor's form: a list of one."""
    return JSONResponse([{"message": message, "errorCode": code}], status)


@dataclass
class ResultSet:
    """A query's result, kept for its locator."""

    table: pa.Table
    compiled: Compiled
    batch: int


@dataclass
class Job:
    """A Bulk 2.0 query job."""

    id: str
    body: dict[str, Any]
    result: ResultSet
    created: datetime
    state: str = "UploadComplete"
    polls: int = 0
    failure: str | None = None


class Salesforce(Emulator):
    """The org. Sessions, locators and jobs live in memory."""

    vendor: ClassVar[str] = "salesforce"
    defaults: ClassVar[dict[str, Any]] = {
        "multi_currency": True,
        "rest_datetime_suffix": "+0000",
        "csv_datetime_suffix": "Z",
        "honour_batch_size": True,
        "batch_size": 2000,
        "system_edit_moves_modified": False,
        "strict_audience": True,
        "recycle_days": 15,
        "daily_api_limit": 100_000,
        "csv_quoting": "minimal",
        "csv_booleans": ["true", "false"],
        "bulk_aggregates": False,
        "job_details": True,
        "session_seconds": 7200,
        "dead_session": "list",
        "formulas_move_stamp": False,
        "deleted_feed_behind": 0,
        "bulk_polls": 1,
        "bulk_page_rows": 100_000,
        "max_uri": 16_384,
        "billing_event_links": "hidden",
        "split_ids": "kept",
    }

    def __init__(
        self,
        root: Path,
        credentials: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        store: str | None = None,
    ) -> None:
        super().__init__(root, credentials, settings, store)
        self.catalogue = Catalogue(
            self.store,
            self.faults,
            self._derived,
            hidden=lambda _obj, name: (
                name.lower() == "currencyisocode" and not self.settings["multi_currency"]
            ),
            absent=lambda name: name in CURRENCY_OBJECTS and not self.settings["multi_currency"],
        )
        self._tokens: dict[str, float] = {}
        self._locators: OrderedDict[str, ResultSet] = OrderedDict()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._parents: dict[tuple[str, str], str | None] = {}
        self._usage = 0
        self._usage_day = self.store.now.date()
        self._bulk_jobs = 0
        self._lock = threading.RLock()
        self.store.set_formulas_move_stamp(bool(self.settings["formulas_move_stamp"]))

    def routes(self) -> list[Route]:
        """Paths of the org."""
        data = "/services/data/{version}"
        table: list[tuple[str, str, Callable[[Exchange], Response]]] = [
            ("POST", "/services/oauth2/token", self.token),
            ("GET", "/services/data/", self.list_versions),
            ("GET", "/services/data", self.list_versions),
            ("GET", data + "/limits", self.limits),
            ("GET", data + "/limits/", self.limits),
            ("GET", data + "/sobjects", self.list_objects),
            ("GET", data + "/sobjects/", self.list_objects),
            ("GET", data + "/sobjects/{object}/describe", self.describe),
            ("GET", data + "/sobjects/{object}/describe/", self.describe),
            ("GET", data + "/sobjects/{object}/deleted", self.deleted),
            ("GET", data + "/sobjects/{object}/deleted/", self.deleted),
            ("GET", data + "/query", self.run_query),
            ("GET", data + "/query/", self.run_query),
            ("GET", data + "/queryAll", self.run_query),
            ("GET", data + "/queryAll/", self.run_query),
            ("GET", data + "/query/{locator}", self.next_batch),
            ("GET", data + "/queryAll/{locator}", self.next_batch),
            ("POST", data + "/jobs/query", self.create_job),
            ("GET", data + "/jobs/query", self.list_jobs),
            ("GET", data + "/jobs/query/{job}", self.show_job),
            ("PATCH", data + "/jobs/query/{job}", self.abort_job),
            ("DELETE", data + "/jobs/query/{job}", self.delete_job),
            ("GET", data + "/jobs/query/{job}/results", self.job_results),
        ]
        routes = [Route(path, self.endpoint(handler), methods=[method]) for method, path, handler in table]
        anything = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        routes.append(Route("/services/{rest:path}", self.endpoint(self.unknown), methods=anything))
        return routes

    def failure(self, kind: str) -> Response:
        """The vendor's answer for a fault."""
        code, message, status = MESSAGES[kind]
        if kind == "session_expired" and self.settings["dead_session"] == "object":
            return JSONResponse({"message": message, "errorCode": code}, status)
        return problem(code, message, status)

    def refresh(self) -> None:
        """Also follow what a formula does to stamps."""
        super().refresh()
        self.store.set_formulas_move_stamp(bool(self.settings["formulas_move_stamp"]))

    def reset(self) -> None:
        """Also forget locators, jobs and API usage; sessions stay good."""
        super().reset()
        with self._lock:
            self._locators.clear()
            self._jobs.clear()
            self._usage = self._bulk_jobs = 0

    def finish(self, exchange: Exchange, response: Response) -> None:
        """Quota and deprecation headers."""
        if "/services/data/v" in exchange.path and response.status_code != 401:
            response.headers["Sforce-Limit-Info"] = (
                f"api-usage={self._usage}/{self.settings['daily_api_limit']}"
            )
            version = _version_number(str(exchange.params.get("version", "")))
            if version is not None and OLDEST_VERSION <= version < WARNED_BELOW:
                response.headers["Warning"] = (
                    f'299 - "API version {version}.0 is deprecated and will be retired"'
                )

    # --- who may ask

    def token(self, exchange: Exchange) -> Response:
        """Client credentials (form or Basic) or a JWT bearer assertion."""
        self.strike(exchange)
        fields = form(exchange)
        own = self.credentials["salesforce"]
        grant = fields.get("grant_type")
        if grant == "client_credentials":
            client, secret = fields.get("client_id"), fields.get("client_secret")
            basic = exchange.headers.get("authorization", "")
            if basic.lower().startswith("basic "):
                try:
                    client, _, secret = base64.b64decode(basic[6:]).decode("utf-8").partition(":")
                except ValueError:
                    client = secret = None
            if client != own["client_id"]:
                return _oauth_error("invalid_client_id", "client identifier invalid")
            if not secrets.compare_digest(str(secret or ""), str(own["client_secret"])):
                return _oauth_error("invalid_client", "invalid client credentials")
        elif grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            refusal = self._refuse_assertion(fields.get("assertion", ""), exchange.base)
            if refusal is not None:
                return _oauth_error("invalid_grant", refusal)
        else:
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        token = "00D5g000004XyZz!AQ" + secrets.token_urlsafe(60)
        with self._lock:
            self._tokens[token] = time.monotonic() + float(self.settings["session_seconds"])
        issued = int(datetime.now(UTC).timestamp() * 1000)
        return JSONResponse(
            {
                "access_token": token,
                "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
                "scope": "api",
                "instance_url": exchange.base,
                "id": f"{exchange.base}/id/00D5g000004XyZzEAK/0055g00000AbCdEAAV",
                "token_type": "Bearer",
                "issued_at": str(issued),
            }
        )

    def _refuse_assertion(self, assertion: str, base: str) -> str | None:
        own = self.credentials["salesforce"]
        clocks = [datetime.now(UTC), self.store.now.replace(tzinfo=UTC)]
        try:
            found = claims(assertion, Path(own["public_key"]), ["RS256"], clocks)
        except jwt.ExpiredSignatureError:
            return "expired authorization code"
        except jwt.InvalidTokenError:
            return "invalid assertion"
        audience = str(found["aud"]).rstrip("/")
        if self.settings["strict_audience"] and audience not in (base, f"{base}/services/oauth2/token"):
            return "audience is invalid"
        if found["iss"] != own["client_id"]:
            return "client identifier invalid"
        if found.get("sub") != own["username"]:
            return "user hasn't approved this consumer"
        # Three minutes, and as much again for clocks that differ.
        if all(int(found["exp"]) - clock.timestamp() > 360 for clock in clocks):
            return "expiry is too far in the future"
        return None

    def _enter(self, exchange: Exchange, obj: str | None = None, *, since: int = OLDEST_VERSION) -> str:
        """Version, session, quota and faults of a data request; the version text. Raises RefusedError."""
        version = str(exchange.params["version"])
        number = _version_number(version)
        if number is None or number > NEWEST_VERSION:
            raise RefusedError(problem("NOT_FOUND", "The requested resource does not exist", 404))
        if number < OLDEST_VERSION:
            raise RefusedError(
                problem("UNSUPPORTED_API_VERSION", "The requested API version is retired", 410)
            )
        token = bearer(exchange)
        with self._lock:
            if token is None or self._tokens.get(token, 0.0) <= time.monotonic():
                raise RefusedError(self.failure("session_expired"))
            if self.store.now.date() != self._usage_day:
                self._usage, self._usage_day = 0, self.store.now.date()
            if self._usage >= int(self.settings["daily_api_limit"]):
                raise RefusedError(self.failure("request_limit"))
            self._usage += 1
        if number < since:
            raise RefusedError(problem("NOT_FOUND", "The requested resource does not exist", 404))
        try:
            self.strike(exchange, obj)
        except RefusedError as refusal:
            if refusal.fault == "session_expired" and token is not None:
                with self._lock:
                    self._tokens.pop(token, None)
            raise
        return version

    # --- what there is

    def unknown(self, exchange: Exchange) -> Response:
        """Any other path."""
        return problem("NOT_FOUND", "The requested resource does not exist", 404)

    def list_versions(self, exchange: Exchange) -> Response:
        """Supported versions; needs no session."""
        self.strike(exchange)
        return JSONResponse(
            [
                {"label": f"v{number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
                for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
            ]
        )

    def limits(self, exchange: Exchange) -> Response:
        """What is left of the daily allocations."""
        self._enter(exchange)
        most = int(self.settings["daily_api_limit"])
        return JSONResponse(
            {
                "DailyApiRequests": {"Max": most, "Remaining": max(most - self._usage, 0)},
                "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000 - self._bulk_jobs},
                "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            }
        )

    def list_objects(self, exchange: Exchange) -> Response:
        """Objects the integration user may see."""
        version = self._enter(exchange)
        found = []
        for name in self.catalogue.names():
            definition = self.store.objects[name]
            found.append(
                {
                    "name": name,
                    "label": definition.label,
                    "custom": name.endswith("__c"),
                    "queryable": True,
                    "urls": {
                        "sobject": f"/services/data/{version}/sobjects/{name}",
                        "describe": f"/services/data/{version}/sobjects/{name}/describe",
                    },
                }
            )
        return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})

    def describe(self, exchange: Exchange) -> Response:
        """Fields of an object; what field-level security hides is simply not there."""
        asked = str(exchange.params["object"])
        definition = self.catalogue.object(asked)
        self._enter(exchange, definition.name if definition else asked)
        if definition is None:
            return problem("NOT_FOUND", "The requested resource does not exist", 404)
        columns = self.catalogue.columns(definition)
        return JSONResponse(
            {
                "name": definition.name,
                "label": definition.label,
                "custom": definition.name.endswith("__c"),
                "queryable": True,
                "deletable": definition.name not in NOT_DELETABLE,
                "fields": [self._described(definition, column) for column in columns.values()],
            }
        )

    def _described(self, definition: ObjectDef, column: Column) -> dict[str, Any]:
        raw = dict(column.definition.raw) if column.definition else {}
        targets: list[str] = []
        relationship = None
        if column.type == "reference":
            lead = self._lead(definition, column)
            targets = [lead] if lead else list(column.definition.references if column.definition else ())
            relationship = relationship_name(column.name)
        precision = {"currency": 18, "double": 18, "percent": 5}.get(column.type, 0)
        scale = {"currency": 2, "double": 2, "percent": 2}.get(column.type, 0)
        return {
            "name": column.name,
            "label": str(raw.get("label") or column.name),
            "type": column.type,
            "soapType": SOAP_TYPES.get(column.type, "xsd:string"),
            "length": int(raw.get("length") or (18 if column.type in ("id", "reference") else 255))
            if column.type in ("id", "reference", "string", "textarea", "picklist", "email")
            else 0,
            "precision": int(raw.get("precision", precision)),
            "scale": int(raw.get("scale", scale)),
            "nillable": column.name not in definition.key and column.type != "boolean",
            "custom": column.name.endswith("__c"),
            "calculated": column.name in definition.volatile or bool(raw.get("calculated")),
            "filterable": column.type != "textarea",
            "referenceTo": targets,
            "relationshipName": relationship,
            "picklistValues": [
                {"value": str(value), "label": str(value), "active": True, "defaultValue": False}
                for value in raw.get("values", raw.get("picklist", ())) or ()
            ],
        }

    def _derived(self, definition: ObjectDef) -> list[Column]:
        columns = [derived("CreatedDate", "datetime", "TIMESTAMP", "{a}._created")]
        if definition.modified:
            stamp = "_modified" if self.settings["system_edit_moves_modified"] else "_user_modified"
            columns.append(derived("LastModifiedDate", "datetime", "TIMESTAMP", "{a}." + stamp))
            columns.append(derived("SystemModstamp", "datetime", "TIMESTAMP", "{a}._modified"))
        if definition.name not in NOT_DELETABLE:
            columns.append(derived("IsDeleted", "boolean", "BOOLEAN", "({a}._op = 'delete')"))
        links = self.settings["billing_event_links"]
        if links != "hidden" and definition.name in BILLED_BY and EVENT_ITEM in self.store.objects:
            chosen = "min_by" if links == "kept" else "max_by"
            standing = "" if links == "kept" else " and item._op <> 'delete'"
            link = (
                f"(select {chosen}(item.Id, item._created) from {self.store.state(EVENT_ITEM)} as item "
                f"where item.{BILLED_BY[definition.name]} = {{a}}.Id{standing})"
            )
            columns.append(derived(EVENT_ITEM, "reference", "VARCHAR", link))
        return columns

    def _lead(self, definition: ObjectDef, column: Column) -> str | None:
        """Name of the object a reference field leads to: declared, known by name, or told by id prefix."""
        cached = self._parents.get((definition.name, column.name))
        if cached is not None:
            return cached
        found = next(
            (
                name
                for name in (column.definition.references if column.definition else ())
                if self.store.object(name)
            ),
            None,
        )
        lowered = column.name.lower()
        bare = lowered[:-2] if lowered.endswith("id") else lowered
        for guess in (KNOWN_PARENTS.get(lowered), bare, lowered):
            if found is None and guess:
                target = self.store.object(guess)
                found = target.name if target else None
        if found is None and column.definition is not None:
            found = self._by_prefix(definition, column)
        if found is not None:
            self._parents[(definition.name, column.name)] = found
        return found

    def _by_prefix(self, definition: ObjectDef, column: Column) -> str | None:
        sample = self.store.rows(
            f"select left({column.sql('t')}, 3) from {self.store.state(definition.name)} as t "
            f"where {column.sql('t')} is not null limit 1"
        )
        if not sample:
            return None
        for name, other in self.store.objects.items():
            first = self.store.rows(f'select left("{other.key[0]}", 3) from {self.store.state(name)} limit 1')
            if first and first[0][0] == sample[0][0]:
                return name
        return None

    def _parent(self, definition: ObjectDef, relationship: str) -> tuple[ObjectDef, Column] | None:
        for column in self.catalogue.columns(definition).values():
            if column.type != "reference" or relationship_name(column.name).lower() != relationship.lower():
                continue
            name = self._lead(definition, column)
            target = self.catalogue.object(name) if name else None
            return (target, column) if target else None
        return None

    # --- queries

    def _compile(self, text: str, *, include_deleted: bool) -> Compiled:
        compiler = Compiler(
            self.catalogue.object,
            self.catalogue.columns,
            self._parent,
            self.store.state,
            self.store.now,
            self.store.now - timedelta(days=int(self.settings["recycle_days"])),
        )
        return compiler.compile(Parser(text).query(), include_deleted=include_deleted)

    def _execute(self, exchange: Exchange, compiled: Compiled) -> pa.Table:
        try:
            table = self.store.query(compiled.sql)
        except duckdb.Error as error:
            raise RefusedError(problem("MALFORMED_QUERY", f"the query could not be run: {error}")) from error
        if compiled.kind == "rows":
            self.check_timeout(exchange, table.num_rows)
            table = self.whole(exchange, table)
        return table

    def run_query(self, exchange: Exchange) -> Response:
        """/query and /queryAll."""
        text = exchange.query.get("q", "")
        exchange.note["soql"] = text
        everything = exchange.path.rstrip("/").endswith("queryAll")
        compiled, refusal = self._understand(text, include_deleted=everything)
        version = self._enter(exchange, compiled.obj if compiled else None)
        if len(text.encode()) > int(self.settings["max_uri"]):
            return Response("URI Too Long", 414, media_type="text/plain")
        if compiled is None:
            assert refusal is not None
            return refusal
        table = self._execute(exchange, compiled)
        if compiled.kind == "count":
            total = int(table.column(0)[0].as_py())
            return JSONResponse({"totalSize": total, "done": True, "records": []})
        result = ResultSet(table, compiled, self._batch_size(exchange))
        return self._batch(exchange, result, None, 0, version)

    def _understand(self, text: str, *, include_deleted: bool) -> tuple[Compiled | None, Response | None]:
        try:
            with self.store.lock:
                return self._compile(text, include_deleted=include_deleted), None
        except SoqlError as error:
            return None, problem(error.code, str(error))

    def _batch_size(self, exchange: Exchange) -> int:
        asked = re.search(r"batchSize\s*=\s*(\d+)", exchange.headers.get("sforce-query-options", ""))
        if asked and self.settings["honour_batch_size"]:
            return min(max(int(asked.group(1)), 200), 2000)
        return int(self.settings["batch_size"])

    def next_batch(self, exchange: Exchange) -> Response:
        """A further batch by its locator."""
        locator, _, offset = str(exchange.params["locator"]).rpartition("-")
        with self._lock:
            result = self._locators.get(locator)
        version = self._enter(exchange, result.compiled.obj if result else None)
        if result is None or not offset.isdigit() or int(offset) >= max(result.table.num_rows, 1):
            return problem("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._batch(exchange, result, locator, int(offset), version)

    def _batch(
        self, exchange: Exchange, result: ResultSet, locator: str | None, start: int, version: str
    ) -> Response:
        part = self.page(exchange, result.table, start, result.batch)
        following = start if part.stuck or part.held else start + result.batch
        done = following >= result.table.num_rows
        head = f'{{"totalSize":{result.table.num_rows},"done":{"true" if done else "false"},'
        if not done:
            if locator is None or part.held:
                locator = "01g" + secrets.token_hex(7) + "A2"
                with self._lock:
                    self._locators[locator] = result
                    while len(self._locators) > 40:
                        self._locators.popitem(last=False)
            # The path is /query/ whichever of the two was asked.
            head += f'"nextRecordsUrl":"/services/data/{version}/query/{locator}-{following}",'
        suffix = str(self.settings["rest_datetime_suffix"])
        records = salesforce_records(self.store, part.table, result.compiled, version, suffix)
        body = head + '"records":[' + ",".join(records) + "]}"
        return Response(body, media_type="application/json;charset=UTF-8")

    def deleted(self, exchange: Exchange) -> Response:
        """Ids deleted in a span of at most 15 days back."""
        asked = str(exchange.params["object"])
        definition = self.catalogue.object(asked)
        self._enter(exchange, definition.name if definition else asked)
        if definition is None:
            return problem("NOT_FOUND", "The requested resource does not exist", 404)
        earliest = self.store.now - timedelta(days=int(self.settings["recycle_days"]))
        known = self.store.now - timedelta(seconds=int(self.settings["deleted_feed_behind"]))
        try:
            # A '+' of a zone offset that was not escaped arrives as a blank.
            start, end = (
                utc_naive(parse_instant(unquote(exchange.query[name]).replace(" ", "+")))
                for name in ("start", "end")
            )
        except (KeyError, ValueError):
            return problem("INVALID_FIELD", "start and end must be dateTime values")
        if end <= start:
            return problem("INVALID_REPLICATION_DATE", "endDate before startDate")
        if start < earliest:
            return problem("INVALID_REPLICATION_DATE", "startDate before the earliest date available")
        key = f'"{definition.key[0]}"'
        rows = self.store.rows(
            f"select {key}, _since from {self.store.state(definition.name)} "
            "where _op = 'delete' and _since >= $1 and _since < $2 order by _since, 1",
            [start, min(end, known)],
        )
        if len(rows) > 600_000:
            return problem("EXCEEDED_ID_LIMIT", "The query returned more than the maximum of 600,000 ids")
        suffix = str(self.settings["rest_datetime_suffix"])
        exchange.note["rows"] = len(rows)
        return JSONResponse(
            {
                "deletedRecords": [{"id": row[0], "deletedDate": _stamp(row[1], suffix)} for row in rows],
                "earliestDateAvailable": _stamp(earliest, suffix),
                "latestDateCovered": _stamp(min(end, known), suffix),
            }
        )

    # --- Bulk API 2.0

    def create_job(self, exchange: Exchange) -> Response:
        """A query job; the result is the org's state now."""
        body = exchange.json()
        body = body if isinstance(body, dict) else {}
        text = str(body.get("query") or "")
        exchange.note["soql"] = text
        compiled, refusal = self._understand(text, include_deleted=body.get("operation") == "queryAll")
        self._enter(exchange, compiled.obj if compiled else None, since=BULK_SINCE)
        if body.get("operation") not in ("query", "queryAll"):
            return problem("INVALIDJOB", "Invalid operation")
        if compiled is None:
            assert refusal is not None
            return refusal
        if compiled.kind != "rows" and not self.settings["bulk_aggregates"]:
            return problem("API_ERROR", "Aggregate queries are not supported in Bulk API 2.0")
        if (
            body.get("columnDelimiter", "COMMA") not in DELIMITERS
            or body.get("lineEnding", "LF") not in NEWLINES
        ):
            return problem("INVALIDJOB", "Unknown columnDelimiter or lineEnding")
        table = self._execute(exchange, compiled)
        failed = self.faults.take("job_failed", exchange.path, exchange.obj)
        job = Job(
            id="750" + secrets.token_hex(6)[:12] + "IAA",
            body=body,
            result=ResultSet(table, compiled, int(self.settings["bulk_page_rows"])),
            created=self.store.now,
            failure=str(failed.params.get("message", "InternalServerError: the job could not be finished"))
            if failed
            else None,
        )
        with self._lock:
            self._jobs[job.id] = job
            self._bulk_jobs += 1
            while len(self._jobs) > 100:
                self._jobs.popitem(last=False)
        exchange.note["job"] = job.id
        return JSONResponse(self._job_json(job, brief=True))

    def _job_json(self, job: Job, *, brief: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": job.id,
            "operation": job.body["operation"],
            "object": job.result.compiled.obj,
            "createdById": "0055g00000AbCdEAAV",
            "createdDate": _stamp(job.created, "+0000"),
            "systemModstamp": _stamp(job.created, "+0000"),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": 67.0,
            "lineEnding": job.body.get("lineEnding", "LF"),
            "columnDelimiter": job.body.get("columnDelimiter", "COMMA"),
        }
        if not brief and not self.settings["job_details"]:
            if job.state == "Failed":
                shown["errorMessage"] = job.failure
        elif not brief:
            shown["numberRecordsProcessed"] = job.result.table.num_rows if job.state == "JobComplete" else 0
            shown["retries"] = 0
            shown["totalProcessingTime"] = 100 * job.polls
            if job.state == "Failed":
                shown["errorMessage"] = job.failure
        return shown

    def _job(self, exchange: Exchange) -> Job:
        with self._lock:
            job = self._jobs.get(str(exchange.params["job"]))
        self._enter(exchange, job.result.compiled.obj if job else None, since=BULK_SINCE)
        if job is None:
            raise RefusedError(problem("NOT_FOUND", "The requested resource does not exist", 404))
        exchange.note["job"] = job.id
        return job

    def list_jobs(self, exchange: Exchange) -> Response:
        """All jobs."""
        self._enter(exchange, since=BULK_SINCE)
        with self._lock:
            records = [self._job_json(job, brief=True) for job in self._jobs.values()]
        return JSONResponse({"done": True, "records": records, "nextRecordsUrl": None})

    def show_job(self, exchange: Exchange) -> Response:
        """One job; each look moves it on a step."""
        job = self._job(exchange)
        with self._lock:
            if job.state in ("UploadComplete", "InProgress"):
                job.polls += 1
                job.state = "InProgress"
                if job.polls > int(self.settings["bulk_polls"]):
                    job.state = "Failed" if job.failure else "JobComplete"
        return JSONResponse(self._job_json(job))

    def abort_job(self, exchange: Exchange) -> Response:
        """PATCH {"state": "Aborted"}."""
        job = self._job(exchange)
        body = exchange.json()
        if not isinstance(body, dict) or body.get("state") != "Aborted":
            return problem("INVALIDJOBSTATE", "Only the state Aborted can be set")
        if job.state not in ("UploadComplete", "InProgress"):
            return problem("INVALIDJOBSTATE", f"Aborting already Completed Job not allowed: {job.state}")
        job.state = "Aborted"
        return JSONResponse(self._job_json(job, brief=True))

    def delete_job(self, exchange: Exchange) -> Response:
        """Drop a finished job."""
        job = self._job(exchange)
        if job.state in ("UploadComplete", "InProgress"):
            return problem("INVALIDJOBSTATE", "Can't delete a job that is not in a final state")
        with self._lock:
            self._jobs.pop(job.id, None)
        return Response(status_code=204)

    def job_results(self, exchange: Exchange) -> Response:
        """A page of a finished job's CSV."""
        job = self._job(exchange)
        if job.state != "JobComplete":
            return problem("INVALIDJOBSTATE", f"Invalid job state for results: {job.state}")
        try:
            size = int(exchange.query.get("maxRecords") or job.result.batch)
            start = _open_locator(job.id, exchange.query.get("locator") or "")
        except ValueError:
            return problem("INVALID_QUERY_LOCATOR", "invalid locator or maxRecords")
        part = self.page(exchange, job.result.table, start, size)
        following = start if part.stuck or part.held else start + size
        yes, no = self.settings["csv_booleans"]
        body = salesforce_csv(
            self.store,
            part.table,
            job.result.compiled,
            str(self.settings["csv_datetime_suffix"]),
            DELIMITERS[str(job.body.get("columnDelimiter", "COMMA"))],
            NEWLINES[str(job.body.get("lineEnding", "LF"))],
            str(self.settings["csv_quoting"]),
            (str(yes), str(no)),
        )
        more = following < job.result.table.num_rows
        return Response(
            body,
            media_type="text/csv;charset=UTF-8",
            headers={
                "Sforce-NumberOfRecords": str(part.table.num_rows),
                # The end is the word, not an absent header.
                "Sforce-Locator": _locator(job.id, following, fresh=part.held) if more else "null",
            },
        )


DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
NEWLINES = {"LF": "\n", "CRLF": "\r\n"}


def relationship_name(name: str) -> str:
    """Account of AccountId, pse__Project__r of pse__Project__c."""
    if name.endswith("__c"):
        return name[:-1] + "r"
    return name[:-2] if name.endswith("Id") else name


def _locator(job: str, offset: int, *, fresh: bool = False) -> str:
    """`fresh` makes one that was not given out before, though it leads to the same rows."""
    turn = f":{secrets.token_hex(4)}" if fresh else ""
    return base64.urlsafe_b64encode(f"{job[-6:]}:{offset}{turn}".encode()).decode().rstrip("=")


def _open_locator(job: str, locator: str) -> int:
    if not locator:
        return 0
    text = base64.urlsafe_b64decode(unquote_plus(locator) + "=" * (-len(locator) % 4)).decode()
    owner, offset, *_turn = text.split(":")
    if owner != job[-6:]:
        raise ValueError("locator of another job")
    return int(offset)


def _stamp(moment: datetime, suffix: str) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}{suffix}"


def _version_number(version: str) -> int | None:
    match = re.fullmatch(r"v(\d+)\.0", version)
    return int(match.group(1)) if match else None


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, 400)
