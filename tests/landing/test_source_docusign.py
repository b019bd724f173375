"""DocuSign at its edges: the login and whose account it is, windows, stretches, limits, the bin."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources import load_source
from pipelines.transports.base import Window
from sandbox.emulators.docusign import DocuSign
from sandbox.mutate import mutate
from tests.landing.conftest import Home
from tests.unit.emulator_support import DocusignClient, credentials, docusign_store, set_profile
from throughline.clock import parse_instant
from throughline.errors import ThroughlineError

NOW, NEXT, LATER = "2026-07-01T12:00:00Z", "2026-07-02T12:00:00Z", "2026-07-03T12:00:00Z"
# as a large account is read: the cursor alone, without a key compare in every load
CURSOR_ONLY = {"key_compare_rows": -1}


class Account:
    """An emulated account; `settings` are the emulator's switches."""

    def __init__(self, root: Path, **settings: Any) -> None:
        docusign_store(root)
        self.root = root
        self.client = DocusignClient(root, **settings)

    @property
    def emulator(self) -> DocuSign:
        return self.client.emulator

    def config(self, **more: Any) -> dict[str, Any]:
        return {
            "base_url": "http://testserver",
            **credentials()["docusign"],
            "http_transport": self.client.http._transport,
            "sleep": lambda _seconds: None,
            **more,
        }

    def at(self, now: str) -> None:
        (self.root / "clock.json").write_text(json.dumps({"now": now}))

    def asked(self) -> list[dict[str, Any]]:
        """The queries of lists so far."""
        return [
            entry["query"] for entry in self.emulator.log.entries() if entry["path"].endswith("/envelopes")
        ]


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path / "sandbox")


def test_envelopes_land_with_their_custom_fields_and_without_their_people(
    home: Home, account: Account
) -> None:
    result = home.land("docusign", account.config(), NOW)
    assert result.status == "OK", result.errors
    rows = home.sql(
        "select tl_record_id, status, contract_number, document_value::varchar, signer_name,"
        " completed_date_time::varchar from docusign_main.envelope order by 1"
    )
    assert rows[0] == ("e1", "completed", "SO-1", "1000.5000", None, "2026-04-01 10:00:00+00")
    assert [row[0] for row in rows] == ["e1", "e4", "e5", "e6", "e7"]
    assert home.sql("select distinct value from landing.personal where field = 'signer_name'") == [
        ("Ada Sample",)
    ]


def test_the_window_overlaps_by_a_day_and_an_edit_without_a_change_of_status_waits_for_the_full_read(
    home: Home, account: Account
) -> None:
    config = account.config(limits=CURSOR_ONLY)
    home.land("docusign", config, NOW)
    # behind the newest change of status, which was on 1 April
    mutate(
        account.root, "docusign", "envelopes", "e4", "update", {"status": "voided"}, "2026-03-31T11:00:00Z"
    )
    mutate(
        account.root,
        "docusign",
        "envelopes",
        "e5",
        "update",
        {"contract_number": "X"},
        "2026-07-01T13:00:00Z",
    )
    account.at(NEXT)
    before = len(account.asked())
    assert home.land("docusign", config, NEXT).resources[0].rows_landed == 1
    window = account.asked()[before]
    assert (window["from_to_status"], window["from_date"]) == ("changed", "2026-03-31T10:00:00Z")
    assert home.land("docusign", account.config(), LATER).resources[0].rows_landed == 1
    assert home.sql("select contract_number from docusign_main.envelope where tl_record_id = 'e5'")[-1] == (
        "X",
    )


def test_a_long_list_is_read_in_stretches_of_creation_dates(home: Home, account: Account) -> None:
    result = home.land("docusign", account.config(list_rows=2, history_start="2026-01-01"), NOW)
    assert result.status == "OK", result.errors
    assert result.resources[0].rows_landed == 5
    lists = [query for query in account.asked() if query.get("include")]
    assert len(lists) > 2
    assert {query["from_to_status"] for query in lists} == {"created"}
    # each begins where the one before ended
    assert all(one["to_date"] == other["from_date"] for one, other in pairwise(lists))


def test_what_vanishes_is_deleted_by_a_full_read_and_by_nothing_less(home: Home, account: Account) -> None:
    home.land("docusign", account.config(), NOW)
    mutate(account.root, "docusign", "envelopes", "e6", "purge", None, "2026-07-01T13:00:00Z")
    account.at(NEXT)
    assert home.land("docusign", account.config(limits=CURSOR_ONLY), NEXT).resources[0].rows_deleted == 0
    found = home.land("docusign", account.config(), LATER).resources[0]
    assert (found.rows_deleted, found.source_count) == (1, 4)


@pytest.mark.parametrize("lists_bin", [True, False])
def test_the_bin_is_not_counted_where_it_is_listed(home: Home, tmp_path: Path, lists_bin: bool) -> None:
    account = Account(tmp_path / "binned", bin_listed=True)
    found = home.land("docusign", account.config(lists_bin=lists_bin), NOW).resources[0]
    assert (found.status, found.rows_landed, found.source_count) == ("OK", 6, 5)
    [(gone,)] = home.sql("select tl_deletion_basis from docusign_main.envelope where tl_is_deleted")
    assert gone == "flag"
    reader = load_source("docusign").reader(account.config(lists_bin=lists_bin))
    reader.open()
    resource = load_source("docusign").manifest.resource("envelope")
    since = Window(parse_instant("2026-04-01T00:00:00Z"), parse_instant(NEXT))
    list(reader.rows(resource, since, reader.discover(resource)))
    control = reader.control(resource, since)
    # a window tells nothing of the bin, so a figure that would count it is none
    assert (control is None) is lists_bin


@pytest.mark.parametrize(("status", "code"), [(429, "E-SRC-004"), (400, "E-SRC-006")])
def test_beyond_the_hours_limit_the_resource_ends_and_the_next_run_goes_on(
    home: Home, tmp_path: Path, status: int, code: str
) -> None:
    account = Account(tmp_path / "limited", hourly_limit=1, limit_status=status)
    failed = home.land("docusign", account.config(limits={"quota_share": 2, "attempts": 2}), NOW).resources[0]
    assert failed.error is not None
    assert (failed.status, failed.error.code, failed.rows_landed) == ("FAILED", code, 0)
    account.emulator._calls.clear()
    account.emulator._fixed["hourly_limit"] = 3000
    assert home.land("docusign", account.config(), NEXT).resources[0].rows_landed == 5


def test_the_share_of_the_hours_calls_is_watched(home: Home, tmp_path: Path) -> None:
    account = Account(tmp_path / "watched", hourly_limit=4)
    failed = home.land("docusign", account.config(limits={"page_size": 1, "quota_share": "0.5"}), NOW)
    assert [one.error.code for one in failed.resources if one.error] == ["E-SRC-006"]


def test_another_account_than_the_default_has_to_be_the_users(home: Home, account: Account) -> None:
    with pytest.raises(ThroughlineError, match="E-SRC-003"):
        load_source("docusign").reader(account.config(account_id="another")).open()
    load_source("docusign").reader(account.config(account_id=None)).open()


@pytest.mark.parametrize(
    ("base", "fits"), [("https://eu.docusign.example", True), ("http://eu.docusign.example", False)]
)
def test_the_login_goes_only_where_it_is_safe(tmp_path: Path, base: str, fits: bool) -> None:
    account = Account(tmp_path / "elsewhere", base_uri=base)
    reader = load_source("docusign").reader(account.config())
    if fits:
        reader.open()
        assert reader._api.startswith(base)
        return
    with pytest.raises(ThroughlineError, match="not encrypted"):
        reader.open()


@pytest.mark.parametrize("missing", ["client_id", "user_id", "private_key"])
def test_a_setting_that_is_missing_is_named(account: Account, missing: str) -> None:
    with pytest.raises(ThroughlineError, match=missing):
        load_source("docusign").reader(account.config(**{missing: None}))


def test_a_refused_login_is_named_and_its_assertion_is_not(home: Home, account: Account) -> None:
    result = home.land("docusign", account.config(user_id="nobody-of-ours"), NOW)
    [problem] = {str(one.error) for one in result.resources}
    assert "E-SRC-003" in problem
    assert "eyJ" not in problem


def test_a_next_link_that_comes_twice_ends_the_read(home: Home, account: Account) -> None:
    set_profile(account.root, {"vendor": "docusign", "kind": "repeat_cursor"})
    failed = home.land("docusign", account.config(limits={"page_size": 2}), NOW).resources[0]
    assert failed.error is not None
    assert failed.error.code == "E-SRC-007"


def test_in_a_window_a_field_that_all_leave_empty_is_not_gone(home: Home, tmp_path: Path) -> None:
    account = Account(tmp_path / "sparing", empty_fields="omitted")
    config = account.config(limits=CURSOR_ONLY)
    assert home.land("docusign", config, NOW).status == "OK"
    changed = {"status": "voided", "document_value": None, "doc_type": None}
    mutate(account.root, "docusign", "envelopes", "e7", "update", changed, "2026-07-01T13:00:00Z")
    mutate(account.root, "docusign", "envelopes", "e1", "purge", None, "2026-07-01T13:00:00Z")
    account.at(NEXT)
    found = home.land("docusign", config, NEXT).resources[0]
    assert (found.status, found.rows_landed) == ("OK", 1), found.error
