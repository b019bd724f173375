"""Personal fields stand in one table: erasing a record's is one delete, and nothing else notices."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines import personal, rejects
from pipelines.manifest import load_manifest
from tests.dbt.raw_fixture import Project, Raw
from tests.landing.conftest import Home
from tests.landing.fakes import Company, Org
from throughline.errors import ThroughlineError

NOW, NEXT, LAST = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z", "2026-03-12T12:00:00Z"
EARLY, LATER = "2026-03-01T08:00:00.000+0000", "2026-03-10T13:00:00.000+0000"
PEOPLE = ["contact", "timecard_split"]
# no other text holds these
SECRETS = ("Quillfeather", "Drumbledore", "zebedee@", "+49 170 555")
SPLIT = {
    "pse__Timecard_Header__c": "h",
    "pse__Project__c": "p",
    "pse__Resource__c": "c1",
    "pse__Start_Date__c": "2026-03-02",
    "pse__End_Date__c": "2026-03-08",
    "pse__Total_Hours__c": 8,
    "pse__Total_Billable_Amount__c": 800,
    "pse__Billable__c": True,
    "pse__Status__c": "Approved",
    "CurrencyIsoCode": "USD",
}
ROWS = (
    "select tl_record_id, tl_payload_hash, tl_is_deleted, tl_load_id from certinia_main.contact order by all"
)
MONEY = "select count(*), sum(pse__total_billable_amount__c) from certinia_main.timecard_split"
HELD = "select value from landing.personal where record_id = 'c1' and field = 'name' order by 1"


@pytest.fixture
def org() -> Org:
    """Two people of the PSA, one of them with a telephone number that no manifest names; both work."""
    org = Org(source="certinia")
    org.describe_changes["Contact"] = {"MobilePhone": "phone"}
    contact(org, "c1", EARLY, Name="Ida Quillfeather", Email="zebedee@a.test", MobilePhone="+49 170 555")
    contact(org, "c2", EARLY, Name="Otto Stays", Email="otto@a.test")
    for key in ("t1", "t2"):
        org.put("pse__Timecard__c", key, EARLY, **SPLIT)
    return org


def contact(org: Org, key: str, at: str, **fields: object) -> None:
    org.put("Contact", key, at, **{"pse__Is_Resource__c": True, "pse__Resource_Role__c": "Dev", **fields})


def places(path: Path, words: tuple[str, ...] = SECRETS) -> list[str]:
    """The text columns of a DuckDB file in which any of `words` stands."""
    found = []
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where not internal and data_type = 'VARCHAR'"
        ).fetchall()
        assert columns
        for schema, table, column in columns:
            tests = " or ".join(f"contains(\"{column}\", '{word}')" for word in words)
            if connection.execute(f'select 1 from "{schema}"."{table}" where {tests}').fetchone():
                found.append(f"{schema}.{table}.{column}")
    return found


def files_with(home: Home, words: tuple[str, ...] = SECRETS) -> list[Path]:
    """The files beside the warehouse that hold any of `words`."""
    files = [path for path in home.path.rglob("*") if path.is_file() and path.name != "raw.duckdb"]
    return [path for path in files if any(word.encode() in path.read_bytes() for word in words)]


def erase(home: Home, at: str = NOW) -> int:
    home.at(at)
    return personal.erase(home.path, "certinia", "main", "contact", "c1")


def test_names_stand_in_one_table_and_their_rows_keep_the_columns(home: Home, org: Org) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    assert places(home.path / "raw.duckdb") == ["landing.personal.value"]
    assert files_with(home) == []
    assert home.sql("select name, email, mobile_phone from certinia_main.contact") == [(None, None, None)] * 2
    assert home.sql(
        "select c.tl_record_id, p.field, p.value from certinia_main.contact as c"
        " join landing.personal as p on p.record_id = c.tl_record_id and p.personal_hash = c.tl_personal_hash"
        " order by all"
    ) == [
        ("c1", "email", "zebedee@a.test"),
        ("c1", "mobile_phone", "+49 170 555"),
        ("c1", "name", "Ida Quillfeather"),
        ("c2", "email", "otto@a.test"),
        ("c2", "name", "Otto Stays"),
    ]
    assert "tl_personal_hash" not in {
        row[0]
        for row in home.sql("select column_name from duckdb_columns() where table_name = 'timecard_split'")
    }


def test_a_changed_name_is_a_version_and_a_changed_role_brings_no_name_twice(home: Home, org: Org) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    contact(org, "c1", LATER, Name="Ida Drumbledore")
    contact(org, "c2", LATER, pse__Resource_Role__c="Lead")
    assert home.land("certinia", org.config(), NEXT, PEOPLE).rows_landed == 2
    assert home.sql(HELD) == [("Ida Drumbledore",), ("Ida Quillfeather",)]
    assert home.sql("select count(*) from landing.personal where record_id = 'c2'") == [(2,)]
    contact(org, "c1", "2026-03-11T13:00:00.000+0000", Name="Ida Quillfeather")
    assert home.land("certinia", org.config(), LAST, PEOPLE).rows_landed == 1
    assert len(home.sql(HELD)) == 2
    assert home.sql("select count(distinct tl_payload_hash) from certinia_main.contact") == [(4,)]


def test_a_hash_of_a_name_needs_the_secret_of_the_home(home: Home, org: Org, tmp_path: Path) -> None:
    hashes = "select tl_record_id, tl_personal_hash, tl_payload_hash from certinia_main.contact order by 1"
    home.land("certinia", org.config(), NOW, PEOPLE)
    mine = home.sql(hashes)
    other = Home(tmp_path / "other", home._monkeypatch)
    other.path.mkdir()
    other.land("certinia", org.config(), NOW, PEOPLE)
    theirs = other.sql(hashes)
    assert [row[0] for row in mine] == [row[0] for row in theirs]
    assert not {name for row in mine for name in row[1:]} & {name for row in theirs for name in row[1:]}
    key = home.path / ".dlt" / "personal.key"
    assert key.stat().st_mode & 0o077 == 0
    assert not places(home.path / "raw.duckdb", (key.read_text(),))


def test_what_is_erased_is_gone_and_nothing_else_notices(home: Home, org: Org) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    rows, money = home.sql(ROWS), home.sql(MONEY)
    assert erase(home) == 3
    assert places(home.path / "raw.duckdb") == []
    assert (home.sql(ROWS), home.sql(MONEY)) == (rows, money)
    assert home.sql("select value from landing.personal where field = 'name'") == [("Otto Stays",)]
    assert erase(home) == 0
    assert home.sql("select record_id, count(*) from landing.erased group by 1") == [("c1", 1)]


def test_an_erased_record_is_not_landed_again_though_the_vendor_sends_it(home: Home, org: Org) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    erase(home)
    contact(org, "c1", "2026-03-10T13:00:00.000+0000")
    again = home.land("certinia", org.config(), NEXT, PEOPLE)
    assert (again.rows_landed, again.resources[0].rows_extracted) == (0, 2)
    contact(org, "c1", "2026-03-11T13:00:00.000+0000", Name="Ida Drumbledore", pse__Resource_Role__c="Lead")
    assert home.land("certinia", org.config(), LAST, PEOPLE).rows_landed == 1
    assert places(home.path / "raw.duckdb") == []
    roles = "select pse__resource_role__c from certinia_main.contact where tl_record_id = 'c1' order by 1"
    assert home.sql(roles) == [("Dev",), ("Lead",)]


@pytest.mark.parametrize("basis", ["flag", "snapshot_absence"])
def test_a_deleted_person_keeps_the_name_and_is_restored_as_before(home: Home, org: Org, basis: str) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    gone = dict(org.records["Contact"]["c1"])
    if basis == "flag":
        org.delete("Contact", "c1", LATER)
    else:
        org.purge("Contact", "c1")
    home.land("certinia", org.config(), NEXT, PEOPLE)
    versions = (
        "select tl_is_deleted, tl_deletion_basis, tl_personal_hash, tl_payload_hash"
        " from certinia_main.contact where tl_record_id = 'c1' order by tl_loaded_at"
    )
    first, second = home.sql(versions)
    assert second[:3] == (True, basis, first[2])
    assert home.land("certinia", org.config(), "2026-03-11T14:00:00Z", PEOPLE).rows_landed == 0
    org.records["Contact"]["c1"] = {**gone, "_at": "2026-03-11T18:00:00.000+0000"}
    org.feed.clear()
    home.land("certinia", org.config(), LAST, PEOPLE)
    assert home.sql(versions)[2] == first
    assert home.sql(HELD) == [("Ida Quillfeather",)]


def test_a_refused_row_keeps_its_names_apart_until_they_are_erased(home: Home, org: Org) -> None:
    contact(org, "c1", EARLY, pse__Start_Date__c="soon")
    home.land("certinia", org.config(), NOW, PEOPLE)
    assert home.sql("select record_id, column_name from landing.reject") == [("c1", "pse__start_date__c")]
    assert places(home.path / "raw.duckdb") == ["landing.personal.value"]
    home.land("certinia", org.config(), NEXT, PEOPLE)
    assert home.sql("select count(*), count(distinct reject_id) from landing.reject") == [(1, 1)]
    assert home.sql("select count(*) from landing.personal where record_id = 'c1'") == [(3,)]
    home.at(LAST)
    [waiting] = rejects.list_rejects(home.path)
    fix = {waiting["reject_id"]: {"pse__Start_Date__c": "2026-03-01"}}
    done = rejects.replay(home.path, corrections=fix)
    assert done.rows_landed == 1
    assert places(home.path / "raw.duckdb") == ["landing.personal.value"]
    named = (
        "select p.value from certinia_main.contact as c join landing.personal as p"
        " on p.record_id = c.tl_record_id and p.personal_hash = c.tl_personal_hash and p.field = 'name'"
        " where c.tl_record_id = 'c1'"
    )
    assert home.sql(named) == [("Ida Quillfeather",)]
    assert rejects.replay(home.path, list(fix), corrections=fix).rows_landed == 0


def test_a_replay_lands_without_the_names_once_they_are_erased(home: Home, org: Org) -> None:
    contact(org, "c1", EARLY, pse__Start_Date__c="soon")
    home.land("certinia", org.config(), NOW, PEOPLE)
    assert erase(home, NEXT) == 3
    assert places(home.path / "raw.duckdb") == []
    home.land("certinia", org.config(), NEXT, PEOPLE)
    [waiting] = rejects.list_rejects(home.path)
    assert places(home.path / "raw.duckdb") == []
    home.at(LAST)
    done = rejects.replay(
        home.path,
        corrections={waiting["reject_id"]: {"pse__Start_Date__c": "2026-03-01", "Name": SECRETS[0]}},
    )
    assert (done.rows_landed, places(home.path / "raw.duckdb")) == (1, [])
    landed = "select pse__resource_role__c from certinia_main.contact where tl_record_id = 'c1'"
    assert home.sql(landed) == [("Dev",)]


def test_free_text_is_erased_and_its_money_stays(home: Home) -> None:
    org = Org()
    item = {"OpportunityId": "o", "Quantity": 1, "UnitPrice": 5, "TotalPrice": 5, "CurrencyIsoCode": "EUR"}
    org.put("OpportunityLineItem", "k", EARLY, **item, Description="for Mr Quillfeather")
    only = ["opportunity_line_item"]
    home.land("salesforce", org.config(), NOW, only)
    assert places(home.path / "raw.duckdb") == ["landing.personal.value"]
    assert personal.erase(home.path, "salesforce", "main", "opportunity_line_item", "k") == 1
    assert places(home.path / "raw.duckdb") == []
    assert home.land("salesforce", org.config(), NEXT, only).rows_landed == 0
    assert home.sql("select total_price::varchar from salesforce_main.opportunity_line_item") == [("5.0000",)]


def test_what_is_unknown_is_not_erased(home: Home, org: Org) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    with pytest.raises(ThroughlineError) as caught:
        personal.erase(home.path, "certinia", "main", "contracts", "c1")
    assert caught.value.code == "E-SRC-018"
    assert home.sql(HELD) == [("Ida Quillfeather",)]


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("pii: [A]", "key is in pii"),
        ("pii: [B]", "is in pii and required"),
        ("pii: [C]\n    cursor: C", "cursor is in pii"),
        ("pii: [Z]", "which is no field"),
    ],
)
def test_nothing_may_rest_on_a_field_that_can_be_erased(tmp_path: Path, entry: str, word: str) -> None:
    path = tmp_path / "source.yml"
    path.write_text(
        "source: s\ndomain: crm\ntransport: soql\nresources:\n  - name: r\n    object: R\n    key: A\n"
        f"    fields: {{A: id!, B: text!, C: ts}}\n    {entry}\n"
    )
    with pytest.raises(ThroughlineError) as caught:
        load_manifest(path)
    assert word in str(caught.value)


@pytest.mark.slow
def test_the_published_names_follow_from_the_next_build_on(home: Home, org: Org) -> None:
    company = Company()
    company.put("7", "2026-03-01T08:00:00+00:00", firstName="Adalbert", lastName="Drumbledore",
                preferredName="Bert", workEmail="bert@a.test")  # fmt: skip
    crm = Org()
    crm.put("User", "u1", EARLY, Name="Uma Seller", Email="uma@a.test", IsActive=True)
    home.land("certinia", org.config(), NOW, ["contact"])
    home.land("bamboohr", company.config(), NOW, ["employee"])
    home.land("salesforce", crm.config(), NOW, ["user"])
    # the tables of a source that is not in use
    Raw(home.path / "raw.duckdb").close()
    project = Project(home.path / "built", home.path / "raw.duckdb")
    told = "select key, name, email from serving.master.master__personal order by 1"
    project.prepare(as_of="2026-03-10", known_at=NOW)
    project.dbt("run", "--select", "+master__personal")
    others = [
        ("certinia:main:c2", "Otto Stays", "otto@a.test"),
        ("salesforce:main:u1", "Uma Seller", "uma@a.test"),
    ]
    assert project.rows(told) == sorted(
        [
            *others,
            ("bamboohr:main:7", "Bert Drumbledore", "bert@a.test"),
            ("certinia:main:c1", "Ida Quillfeather", "zebedee@a.test"),
        ]
    )
    erase(home)
    personal.erase(home.path, "bamboohr", "main", "employee", "7")
    project.prepare(as_of="2026-03-10", known_at=NOW)
    project.dbt("run", "--select", "+master__personal")
    assert project.rows(told) == others
    assert places(project.serving) == []
