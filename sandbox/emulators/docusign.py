"""DocuSign eSignature: JWT grant, userinfo, the list of envelopes, its limits.

The one object of its store is `envelopes`: fields of an envelope under the vendor's names, all others shown
as custom fields. Account server and API answer on the same address.

Switches (settings), for what is not verified of the vendor or differs per account:
  base_uri              what userinfo names as the API's address (none: the address that was asked)
  next_uri              how nextUri is written: "accounts" (/accounts/{id}/envelopes?..), "envelopes"
                        (/envelopes?..) or "absolute"
  empty_list            whether a list without envelopes is there at all: "list" or "omitted"
  empty_fields          whether a custom field without a value is shown: "shown" or "omitted"
  bin_listed            whether envelopes in the bin are listed, with deletedDateTime (false)
  edits_change_status   whether an edit of custom fields moves statusChangedDateTime (false)
  limit_status          status of an answer beyond a limit (429; 400 of old)
  page_limit            most envelopes on a page (1000)
  hourly_limit, burst_limit, burst_seconds   3,000 an hour on the hour, 500 in 30 seconds
  polls_per_envelope    how often one envelope may be asked for in an hour
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import jwt
import pyarrow as pa
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.emulators.catalogue import Catalogue
from sandbox.emulators.credentials import claims
from sandbox.emulators.plumbing import Emulator, Exchange, RefusedError, bearer, form
from sandbox.emulators.store import ObjectDef, quote, utc_naive
from throughline.clock import parse_instant

OBJECT = "envelopes"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = {"signature", "impersonation"}
TOKEN_SECONDS = 3600
# Fields of an envelope itself; whatever else the store holds is a custom field.
OWN = (
    *("envelopeId", "status", "emailSubject", "createdDateTime", "sentDateTime", "deliveredDateTime"),
    *(
        "completedDateTime",
        "declinedDateTime",
        "voidedDateTime",
        "voidedReason",
        "deletedDateTime",
        "purgeState",
    ),
)
SIGNER = ("signerName", "signerEmail", "declinedReason")
STATUSES = ("any", "created", "sent", "delivered", "signed", "completed", "declined", "voided")
FAULTS = {
    "503": (503, "SERVICE_UNAVAILABLE"),
    "429_seconds": (429, "BURST_APIINVOCATION_LIMIT_EXCEEDED"),
    "429_date": (429, "BURST_APIINVOCATION_LIMIT_EXCEEDED"),
    "request_limit": (429, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"),
    "unexpected_error": (500, "UNSPECIFIED_ERROR"),
    "query_timeout": (504, "TIMEOUT"),
    "session_expired": (401, "USER_AUTHENTICATION_FAILED"),
}


def problem(status: int, code: str, message: str = "") -> Response:
    """An error in the API's form."""
    return JSONResponse({"errorCode": code, "message": message or code.replace("_", " ").lower()}, status)


class DocuSign(Emulator):
    """One account."""

    vendor: ClassVar[str] = "docusign"
    defaults: ClassVar[dict[str, Any]] = {
        "base_uri": None,
        "next_uri": "accounts",
        "empty_list": "list",
        "empty_fields": "shown",
        "bin_listed": False,
        "edits_change_status": False,
        "limit_status": 429,
        "page_limit": 1000,
        "hourly_limit": 3000,
        "burst_limit": 500,
        "burst_seconds": 30,
        "polls_per_envelope": 4,
    }

    def __init__(
        self,
        root: Path,
        credentials: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        store: str | None = None,
    ) -> None:
        super().__init__(root, credentials, settings, store)
        self.catalogue = Catalogue(self.store, self.faults, lambda _definition: [])
        self.own = dict(credentials[self.vendor])
        self._tokens: dict[str, float] = {}
        self._calls: list[float] = []
        self._polls: dict[str, list[float]] = {}

    def reset(self) -> None:
        """Forget tokens, calls and polls too."""
        super().reset()
        self._tokens.clear()
        self._calls.clear()
        self._polls.clear()

    def routes(self) -> list[Route]:
        """Account server and API."""
        base = "/restapi/v2.1/accounts/{account}"
        table = [
            ("POST", "/oauth/token", self.token),
            ("GET", "/oauth/userinfo", self.userinfo),
            ("GET", base + "/envelopes", self.envelopes),
            ("GET", base + "/envelopes/{envelope}", self.one_envelope),
        ]
        routes = [Route(path, self.endpoint(handler), methods=[method]) for method, path, handler in table]
        routes.append(Route("/restapi/{rest:path}", self.endpoint(self.unknown), methods=["GET", "POST"]))
        return routes

    def failure(self, kind: str) -> Response:
        """The vendor's answer for a fault."""
        return problem(*FAULTS[kind])

    def unknown(self, exchange: Exchange) -> Response:
        """Any other path."""
        return problem(404, "RESOURCE_NOT_FOUND")

    # --- who may ask

    def token(self, exchange: Exchange) -> Response:
        """JWT grant: an assertion of the integration key for a user, signed with its RSA key."""
        self.strike(exchange)
        given = form(exchange)
        if given.get("grant_type") != GRANT:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        try:
            said = claims(
                given.get("assertion", ""),
                Path(self.own["public_key"]),
                ["RS256"],
                [datetime.now(UTC), self.store.now.replace(tzinfo=UTC)],
            )
        except jwt.InvalidTokenError as refused:
            return JSONResponse({"error": "invalid_grant", "error_description": str(refused)}, 400)
        if said.get("iss") != self.own["client_id"]:
            return JSONResponse({"error": "invalid_grant", "error_description": "issuer_not_found"}, 400)
        if said.get("sub") != self.own["user_id"]:
            return JSONResponse({"error": "invalid_grant", "error_description": "no_valid_keys_or_user"}, 400)
        if not set(str(said.get("scope", "")).split()) >= SCOPES:
            return JSONResponse({"error": "consent_required"}, 400)
        # The account server's bare name, without a scheme: a token for another audience is none of ours.
        if said.get("aud") != exchange.base.split("://", 1)[-1]:
            return JSONResponse({"error": "invalid_grant", "error_description": "wrong_audience"}, 400)
        token = secrets.token_urlsafe(40)
        self._tokens[token] = time.monotonic() + TOKEN_SECONDS
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    def userinfo(self, exchange: Exchange) -> Response:
        """The user's accounts, and where the API of each answers."""
        self._enter(exchange, counted=False)
        return JSONResponse(
            {
                "sub": self.own["user_id"],
                "name": "Integration",
                "accounts": [
                    {
                        "account_id": self.own["account_id"],
                        "is_default": True,
                        "account_name": "Sandbox",
                        "base_uri": self.settings["base_uri"] or exchange.base,
                    }
                ],
            }
        )

    def _enter(self, exchange: Exchange, obj: str | None = None, *, counted: bool = True) -> None:
        """Let a request in. Raises RefusedError 401, 403, or beyond a limit."""
        token = bearer(exchange)
        if token is None or self._tokens.get(token, 0.0) < time.monotonic():
            raise RefusedError(problem(401, "USER_AUTHENTICATION_FAILED"))
        if counted and exchange.params.get("account") != self.own["account_id"]:
            raise RefusedError(problem(400, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"))
        if counted:
            self.strike(exchange, obj)
            self._count()

    def _count(self) -> None:
        now = time.time()
        hour, burst = now - now % 3600, now - float(self.settings["burst_seconds"])
        self._calls = [at for at in self._calls if at >= min(hour, burst)]
        if sum(at >= burst for at in self._calls) >= int(self.settings["burst_limit"]):
            raise RefusedError(self._beyond("BURST_APIINVOCATION_LIMIT_EXCEEDED"))
        if sum(at >= hour for at in self._calls) >= int(self.settings["hourly_limit"]):
            raise RefusedError(self._beyond("HOURLY_APIINVOCATION_LIMIT_EXCEEDED"))
        self._calls.append(now)

    def _beyond(self, code: str) -> Response:
        return problem(int(self.settings["limit_status"]), code, "The maximum number of calls was exceeded.")

    def finish(self, exchange: Exchange, response: Response) -> None:
        """Tell of the account's allowance."""
        if not exchange.path.startswith("/restapi/"):
            return
        now = time.time()
        hour, burst = now - now % 3600, now - float(self.settings["burst_seconds"])
        limits = {
            "X-RateLimit-Limit": int(self.settings["hourly_limit"]),
            "X-RateLimit-Remaining": int(self.settings["hourly_limit"])
            - sum(at >= hour for at in self._calls),
            "X-RateLimit-Reset": int(hour) + 3600,
            "X-BurstLimit-Limit": int(self.settings["burst_limit"]),
            "X-BurstLimit-Remaining": int(self.settings["burst_limit"])
            - sum(at >= burst for at in self._calls),
        }
        for name, value in limits.items():
            response.headers[name] = str(value)

    # --- envelopes

    def envelopes(self, exchange: Exchange) -> Response:
        """A page of envelopes: those of an id list, or those whose status was reached in a span."""
        self._enter(exchange, OBJECT)
        definition = self.store.objects[OBJECT]
        if self.faults.standing("permission_lost", definition.name):
            return problem(403, "USER_LACKS_PERMISSIONS")
        query = exchange.query
        where: list[str] = ["true"]
        params: list[Any] = []
        if "envelope_ids" in query:
            params.append([part.strip() for part in query["envelope_ids"].split(",")])
            where.append(f"cast(t.envelopeId as VARCHAR) in (select unnest(${len(params)}::VARCHAR[]))")
        elif "from_date" not in query:
            return problem(
                400, "INVALID_REQUEST_PARAMETER", "from_date, envelope_ids or transaction_ids must be given"
            )
        kind = query.get("from_to_status", "changed").lower()
        stamp = {"changed": "_changed", "created": "createdDateTime"}.get(kind)
        if stamp is None:
            return problem(400, "INVALID_REQUEST_PARAMETER", f"from_to_status {kind} is not known here")
        try:
            for name, sign in (("from_date", ">="), ("to_date", "<")):
                if name in query:
                    params.append(utc_naive(parse_instant(query[name].replace(" ", "+"))))
                    where.append(f"t.{stamp} {sign} ${len(params)}")
            start = int(query.get("start_position", "0"))
            count = min(int(query.get("count", "1000")), int(self.settings["page_limit"]))
        except ValueError:
            return problem(400, "INVALID_REQUEST_PARAMETER")
        wanted = query.get("status", "any").lower()
        if wanted not in STATUSES:
            return problem(400, "INVALID_REQUEST_PARAMETER", f"status {wanted}")
        if wanted != "any":
            params.append(wanted)
            where.append(f"t.status = ${len(params)}")
        table = self._select(definition, " and ".join(where), params)
        announced = table.num_rows
        table = self.whole(exchange, table)
        self.check_timeout(exchange, table.num_rows)
        part = self.page(exchange, table, start, count)
        include = {word.strip() for word in query.get("include", "").split(",")}
        rows = [self._shown(row, include) for row in part.table.to_pylist()]
        following = start if part.stuck or part.held else start + count
        more = following < table.num_rows
        body: dict[str, Any] = {
            "resultSetSize": str(len(rows)),
            "startPosition": str(start),
            "endPosition": str(max(start + len(rows) - 1, 0)),
            "totalSetSize": str(announced),
            "lastQueriedDateTime": _stamp(self.store.now),
        }
        if more:
            body["nextUri"] = self._next(exchange, following, fresh=part.held)
        if rows or self.settings["empty_list"] == "list":
            body["envelopes"] = rows
        return JSONResponse(body)

    def one_envelope(self, exchange: Exchange) -> Response:
        """One envelope, which may not be asked for again and again."""
        self._enter(exchange, OBJECT)
        wanted = str(exchange.params["envelope"])
        now = time.time()
        polls = self._polls[wanted] = [at for at in self._polls.get(wanted, []) if at > now - 3600]
        if len(polls) >= int(self.settings["polls_per_envelope"]):
            return self._beyond("Hourly_Envelope_Polling_Limit_Exceeded")
        polls.append(now)
        found = self._select(self.store.objects[OBJECT], "cast(t.envelopeId as VARCHAR) = $1", [wanted])
        if not found.num_rows:
            return problem(404, "ENVELOPE_DOES_NOT_EXIST")
        include = {word.strip() for word in exchange.query.get("include", "").split(",")}
        return JSONResponse(self._shown(found.to_pylist()[0], include))

    def _select(self, definition: ObjectDef, where: str, params: list[Any]) -> pa.Table:
        """Envelopes at the clock's now by creation, with the stamps `_changed` and `_moved`."""
        columns = self.catalogue.columns(definition)
        state, versions = self.store.state(OBJECT), self.store.versions(OBJECT)
        shown = [f"{column.sql('t')} as {quote(column.name)}" for column in columns.values()]
        binned = "true" if self.settings["bin_listed"] else "t._op <> 'delete'"
        moved = "true" if self.settings["edits_change_status"] else "status is distinct from _before"
        return self.store.query(
            "with told as ("
            "  select envelopeId as _id, _valid_from, _op, status,"
            "    lag(status) over (partition by envelopeId order by _valid_from, _seq) as _before"
            f" from {versions} where _valid_from <= ${len(params) + 1}"
            "), changes as ("
            "  select _id, max(_valid_from) as _changed from told"
            f" where _op <> 'delete' and ({moved}) group by _id"
            "), t as ("
            "  select s.*, coalesce(changes._changed, s._created) as _changed"
            f" from {state} as s left join changes on s.envelopeId = changes._id"
            f") select {', '.join(shown)}, t._changed, t._modified as _moved, t._op, t._since as _gone"
            " from t "
            f"where {binned} and {where} order by t.createdDateTime, t.envelopeId",
            [*params, self.store.now],
        )

    def _shown(self, row: dict[str, Any], include: set[str]) -> dict[str, Any]:
        identity = row["envelopeId"]
        own: dict[str, Any] = {
            name: _text(row[name]) for name in OWN if name in row and row[name] is not None
        }
        own["statusChangedDateTime"] = _stamp(row.pop("_changed"))
        own["lastModifiedDateTime"] = _stamp(row.pop("_moved"))
        gone = row.pop("_gone")
        if row.pop("_op") == "delete":
            own["deletedDateTime"] = _stamp(row.get("deletedDateTime") or gone)
        own["envelopeUri"] = f"/envelopes/{identity}"
        if "custom_fields" in include:
            named = {name: value for name, value in row.items() if name not in OWN and name not in SIGNER}
            own["customFields"] = {
                "textCustomFields": [
                    {
                        "fieldId": str(1000 + number),
                        "name": name,
                        "show": "false",
                        "required": "false",
                        "value": _text(value) or "",
                    }
                    for number, (name, value) in enumerate(named.items())
                    if value is not None or self.settings["empty_fields"] == "shown"
                ],
                "listCustomFields": [],
            }
        if "recipients" in include:
            signer = {
                "recipientId": "1",
                "routingOrder": "1",
                "name": row.get("signerName") or "",
                "email": row.get("signerEmail") or "",
                "status": own.get("status", ""),
                **({"declinedReason": row["declinedReason"]} if row.get("declinedReason") else {}),
            }
            own["recipients"] = {"signers": [signer], "recipientCount": "1"}
        return own

    def _next(self, exchange: Exchange, start: int, *, fresh: bool) -> str:
        query = {**exchange.query, "start_position": str(start)}
        if fresh:
            query["turn"] = secrets.token_hex(4)
        place = f"/envelopes?{urlencode(query)}"
        if self.settings["next_uri"] == "envelopes":
            return place
        account = f"/accounts/{self.own['account_id']}"
        if self.settings["next_uri"] == "accounts":
            return account + place
        return f"{exchange.base}/restapi/v2.1{account}{place}"


def _stamp(moment: datetime) -> str:
    """An instant with seven fractional digits."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def _text(value: Any) -> str:
    """A value as this vendor writes it: a string, whatever it is."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return _stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
