"""app: the dashboard."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from throughline import process
from throughline.commands.common import home
from throughline.errors import error
from throughline.home import PROJECT_ROOT, VARIABLE
from throughline.output import say

app = typer.Typer()


def _free(port: int) -> None:
    """Raises E-APP-003 when the port is taken: the server would only say so at length."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            raise error("E-APP-003", port=port, detail=problem.strerror) from None


@app.command("app")
def app_(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port on 127.0.0.1.")] = 8501,
) -> None:
    """The dashboard on 127.0.0.1, until interrupted. Example: throughline app --port 8600"""
    script = PROJECT_ROOT / "dashboards" / "app.py"
    if not script.exists():
        raise error("E-APP-002", path=script)
    _free(port)
    say(f"dashboard on http://127.0.0.1:{port} (Ctrl-C ends it)")
    code = process.foreground(
        process.module(
            "streamlit", "run", str(script), "--server.address", "127.0.0.1",
            "--server.port", str(port), "--server.headless", "true",
            "--browser.gatherUsageStats", "false",
        ),
        environment={VARIABLE: str(home().root)},
        cwd=PROJECT_ROOT,
    )  # fmt: skip
    if code != 0:
        raise error("E-APP-001", code=code, detail="Streamlit could not start or was stopped.")
