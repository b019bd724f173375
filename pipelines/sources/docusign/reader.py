"""How DocuSign is reached: JWT grant, the account's own address, the list of envelopes.

A window is asked for by `from_to_status=changed`, which goes by statusChangedDateTime: an edit of a custom
field does not move that, so the full read, which also finds what is gone, is the one that sees it. The full
read goes by the day of creation, in stretches that a list of one kind may hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pyarrow as pa

from pipelines.manifest import Resource
from pipelines.transports.base import Control, Found, Window
from pipelines.transports.http import Http, QuotaStopError, RefusedError, Reply
from pipelines.transports.json_pages import flat_table
from pipelines.transports.paged import PagedReader, bears, instant
from pipelines.transports.progress import ProgressGuard
from throughline import clock
from throughline.errors import error

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "signature impersonation"
CUSTOM = "customFields"
# A longer list is read in stretches: a page deep in a long list costs the vendor more than a list of its own.
LIST_ROWS = 5000
SHORTEST_STRETCH = timedelta(days=1)


@dataclass
class JwtLogin:
    """An integration key that speaks for a user, by an assertion it signs; a 401 brings a new token."""

    client_id: str
    user_id: str
    private_key: str
    token: str | None = None

    def headers(self, http: Http) -> Mapping[str, str]:
        """The bearer header, logging in when there is no token."""
        if self.token is None:
            self.refresh(http)
        return {"Authorization": f"Bearer {self.token}"}

    def refresh(self, http: Http) -> bool:
        """Log in anew. Raises ThroughlineError E-SRC-003."""
        now = clock.now()
        said = {
            "iss": self.client_id,
            "sub": self.user_id,
            # the account server by its bare name
            "aud": http.base_url.split("://", 1)[-1].rstrip("/"),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=55)).timestamp()),
            "scope": SCOPE,
        }
        assertion = jwt.encode(said, self.private_key, algorithm="RS256")
        http.hide([assertion])
        form = {"grant_type": GRANT, "assertion": assertion}
        try:
            reply = http.request("POST", "/oauth/token", login=False, data=form)
        except RefusedError as refused:
            raise error("E-SRC-003", source=http.source, detail=http.clean(refused.text)) from None
        self.token = str(reply.data["access_token"])
        http.hide([self.token])
        return True


@dataclass
class EnvelopeReader(PagedReader):
    """One account: the user's default one unless `account_id` names another.

    `history_start` is the instant from which envelopes are read; `lists_bin` says that the account's lists
    hold what lies in the bin.
    """

    account_id: str | None = None
    history_start: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    lists_bin: bool = False
    list_rows: int = LIST_ROWS
    _api: str = ""
    _binned: int | None = None

    def open(self) -> None:
        """Log in and learn where the account's API answers. Raises E-SRC-003."""
        try:
            told = self.http.request("GET", "/oauth/userinfo", headers={"Accept": "application/json"}).data
        except RefusedError as refused:
            raise error("E-SRC-003", source=self.http.source, detail=self.http.clean(refused.text)) from None
        accounts = told.get("accounts") or [] if isinstance(told, Mapping) else []
        chosen = [
            one
            for one in accounts
            if (
                str(one.get("account_id")) == self.account_id
                if self.account_id
                else _is_true(one.get("is_default"))
            )
        ]
        if not chosen:
            wanted = self.account_id or "a default account"
            raise error("E-SRC-003", source=self.http.source, detail=f"the user has not {wanted}")
        base = str(chosen[0].get("base_uri") or "").rstrip("/")
        self._must_be_safe(base)
        self._api = f"{base}/restapi/v2.1/accounts/{chosen[0]['account_id']}"

    def _must_be_safe(self, base: str) -> None:
        """The login goes there: encrypted, or no further than the account server itself is."""
        asked, told = httpx.URL(self.http.base_url), httpx.URL(base)
        if told.scheme != "https" and (told.host, told.port) != (asked.host, asked.port):
            raise error(
                "E-SRC-003", source=self.http.source, detail=f"the API's address {base} is not encrypted"
            )

    def discover(self, resource: Resource) -> Found:
        """Nothing is told before the rows are read; fields are compared while reading."""
        return Found()

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Without a start every envelope comes."""
        return window.start is None

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """Envelopes whose status changed in the window, or all of them.

        Raises E-SRC-006 to E-SRC-011, E-SRC-023.
        """
        self._binned = 0 if window.start is None else None
        seen: set[str] = set()
        some = False
        for records in self._pages(resource, window):
            some = some or bool(records)
            for item in resource.fields:
                if item.name not in seen and any(bears(record, item.paths) for record in records):
                    seen.add(item.name)
            if records:
                yield flat_table(resource, records)
        if not some:
            return
        for item in resource.fields:
            # an empty field may be left out, so a handful of envelopes tells nothing of the custom ones
            is_custom = item.paths[0].startswith(f"{CUSTOM}.")
            if item.name not in seen and not item.optional and not (is_custom and window.start is not None):
                raise self._error("E-SRC-011", resource, column=item.name)

    def control(self, resource: Resource, window: Window) -> Control | None:
        """The number of envelopes that the account announces, without those in its bin."""
        if self._binned is None and self.lists_bin:
            return None
        asked = {**self._created(self.history_start, None), "count": "1", "start_position": "0"}
        total = self._ask(resource, asked).data.get("totalSetSize")
        return None if total is None else Control(int(total) - (self._binned or 0), None)

    def _pages(self, resource: Resource, window: Window) -> Iterator[list[dict[str, Any]]]:
        if window.start is not None:
            changed = {"from_date": instant(window.start), "from_to_status": "changed"}
            yield from self._list(resource, changed)
            return
        yield from self._stretch(resource, self.history_start, None)

    def _stretch(
        self, resource: Resource, first: datetime, last: datetime | None
    ) -> Iterator[list[dict[str, Any]]]:
        """Envelopes created from `first` to `last` (exclusive), in halves while they are too many."""
        end = last or max(clock.now() + SHORTEST_STRETCH, first + SHORTEST_STRETCH)
        if end - first > SHORTEST_STRETCH:
            counted = {**self._created(first, last), "count": "1", "start_position": "0"}
            total = self._ask(resource, counted).data.get("totalSetSize")
            if int(total or 0) > self.list_rows:
                middle = (first + (end - first) / 2).replace(microsecond=0)
                yield from self._stretch(resource, first, middle)
                yield from self._stretch(resource, middle, last)
                return
        yield from self._list(resource, self._created(first, last))

    @staticmethod
    def _created(first: datetime, last: datetime | None) -> dict[str, str]:
        span = {"from_date": instant(first), "from_to_status": "created"}
        return {**span, "to_date": instant(last)} if last is not None else span

    def _list(self, resource: Resource, span: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        guard = ProgressGuard(self.http.source, resource.name)
        params = {**span, "count": str(resource.page_size), "start_position": "0"}
        params["include"] = "custom_fields,recipients"
        totals: list[int] = []
        while True:
            data = self._ask(resource, params).data
            records = [self._flat(resource, record) for record in data.get("envelopes") or []]
            guard.page(str(record.get(resource.key[0])) for record in records)
            yield records
            if data.get("totalSetSize") not in (None, ""):
                totals.append(int(data["totalSetSize"]))
            following = str(data.get("nextUri") or "")
            if not following:
                # the smallest: what comes or goes while the list is read may be on no page
                guard.complete(min(totals, default=None))
                return
            # of the link only what it asks for: it is written with and without the account before it
            params = dict(parse_qsl(urlsplit(guard.cursor(following)).query))

    def _flat(self, resource: Resource, record: Mapping[str, Any]) -> dict[str, Any]:
        """An envelope with its custom fields by name, those that nobody declared beside its own."""
        flat = {name: value for name, value in record.items() if name not in (CUSTOM, "recipients")}
        told = record.get(CUSTOM) or {}
        custom: dict[str, Any] = {}
        for kind in ("textCustomFields", "listCustomFields"):
            custom.update({str(one["name"]): one.get("value") or None for one in told.get(kind) or []})
        declared = {
            path.removeprefix(f"{CUSTOM}.")
            for item in resource.fields
            for path in item.paths
            if path.startswith(f"{CUSTOM}.")
        }
        flat[CUSTOM] = {name: value for name, value in custom.items() if name in declared}
        for name, value in custom.items():
            if name not in declared:
                flat.setdefault(name, value)
        signers = (record.get("recipients") or {}).get("signers") or []
        flat["signerName"] = "; ".join(str(one["name"]) for one in signers if one.get("name")) or None
        flat["signerEmail"] = "; ".join(str(one["email"]) for one in signers if one.get("email")) or None
        reasons = [str(one["declinedReason"]) for one in signers if one.get("declinedReason")]
        flat["declinedReason"] = "; ".join(reasons) or None
        is_binned = bool(record.get("deletedDateTime"))
        flat["isDeleted"] = "true" if is_binned else "false"
        if is_binned and self._binned is not None:
            self._binned += 1
        return flat

    def _ask(self, resource: Resource, params: Mapping[str, str]) -> Reply:
        stop = self.http.quota_reached()
        if stop:
            raise stop
        try:
            return self.http.request(
                "GET",
                f"{self._api}/{resource.object}",
                resource=resource.name,
                headers={"Accept": "application/json"},
                verify=_has_size,
                params=dict(params),
            )
        except RefusedError as refused:
            if "LIMIT_EXCEEDED" in str(refused.text).upper():
                # of old the account's limits are told with 400; waiting is for the next run
                used = error("E-SRC-006", source=self.http.source, used="100%", share="100%")
                raise QuotaStopError(used) from None
            raise self._refused(resource, refused) from None


def used_share(headers: httpx.Headers) -> Decimal | None:
    """The share of the hour's calls that is used up."""
    limit, left = headers.get("x-ratelimit-limit"), headers.get("x-ratelimit-remaining")
    if not limit or left is None or not limit.isdigit() or int(limit) == 0:
        return None
    return 1 - Decimal(left) / Decimal(limit)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _has_size(reply: Reply) -> str | None:
    return (
        None
        if isinstance(reply.data, dict) and "totalSetSize" in reply.data
        else "the answer holds no totalSetSize"
    )
