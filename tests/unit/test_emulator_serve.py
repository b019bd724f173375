"""The server process: real sockets, serve.json, edits and clock followed live, a clean stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import serve as module
from sandbox.mutate import mutate
from tests.unit.emulator_support import bamboohr_store, docusign_store, netsuite_store, salesforce_store


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, dict[str, Any], subprocess.Popen[bytes]]]:
    for write in (salesforce_store, netsuite_store, bamboohr_store, docusign_store):
        write(tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "sandbox.serve", "--dir", str(tmp_path)])
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "serve.json").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield tmp_path, json.loads((tmp_path / "serve.json").read_text()), process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_the_vendors_answer_until_told_to_stop(
    served: tuple[Path, dict[str, Any], subprocess.Popen[bytes]],
) -> None:
    root, found, process = served
    assert found["pid"] == process.pid
    assert set(found["endpoints"]) == {"salesforce", "bamboohr", "netsuite", "docusign"}
    assert all(url.startswith("http://127.0.0.1:") for url in found["endpoints"].values())
    own = found["credentials"]["salesforce"]
    assert Path(found["credentials"]["netsuite"]["private_key"]).is_relative_to(root)
    for path in (root / "serve.json", root / "keys" / "credentials.json", Path(own["private_key"])):
        assert path.stat().st_mode & 0o077 == 0
    with httpx.Client(base_url=found["endpoints"]["salesforce"], timeout=30) as org:
        form = {"grant_type": "client_credentials", "client_id": own["client_id"]}
        reply = org.post(
            "/services/oauth2/token", data={**form, "client_secret": own["client_secret"]}
        ).json()
        assert reply["instance_url"] == found["endpoints"]["salesforce"]
        org.headers["Authorization"] = f"Bearer {reply['access_token']}"
        query = {"q": "SELECT Amount FROM Opportunity WHERE Id = '006000000000001AAA'"}
        path = "/services/data/v67.0/query"
        assert org.get(path, params=query).json()["records"][0]["Amount"] == 480000.0
        mutate(root, "salesforce", "Opportunity", "006000000000001AAA", "update", {"Amount": "1"})
        assert org.get(path, params=query).json()["records"][0]["Amount"] == 1.0
    key = found["credentials"]["bamboohr"]["api_key"]
    reply = httpx.get(
        f"{found['endpoints']['bamboohr']}/api/v1/employees", auth=(key, "x"), timeout=30
    ).json()
    assert reply["meta"]["total"] == 12
    assert httpx.get(f"{found['endpoints']['netsuite']}/services/none", timeout=30).status_code == 404
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert not (root / "serve.json").exists()
    # What was made once stays for the next start.
    assert json.loads((root / "keys" / "credentials.json").read_text()) == found["credentials"]


def test_a_bad_call_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main(["--dir", str(tmp_path)]) == 64
    (tmp_path / "stores").mkdir()
    assert module.main(["--dir", str(tmp_path), "--ports", "1,2"]) == 64
    assert "a port per store" in capsys.readouterr().err
