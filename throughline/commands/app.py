"""app: the dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from throughline.commands.common import home
from throughline.errors import error
from throughline.home import PROJECT_ROOT, VARIABLE
from throughline.output import say
from throughline.process import QUIET

app = typer.Typer()


@app.command("app")
def app_(
    port: Annotated[int, typer.Option("--port", help="The port on 127.0.0.1.")] = 8501,
) -> None:
    """The dashboard on 127.0.0.1, until interrupted. Example: throughline app --port 8600"""
    script = PROJECT_ROOT / "dashboards" / "app.py"
    if not script.exists():
        raise error("E-APP-002", path=script)
    say(f"dashboard on http://127.0.0.1:{port} (Ctrl-C ends it)")
    try:
        done = subprocess.run(
            [
                sys.executable, "-m", "streamlit", "run", str(script), "--server.address", "127.0.0.1",
                "--server.port", str(port), "--server.headless", "true",
                "--browser.gatherUsageStats", "false",
            ],
            cwd=PROJECT_ROOT,
            env={**os.environ, **QUIET, VARIABLE: str(home().root)},
            check=False,
        )  # fmt: skip
    except KeyboardInterrupt:
        return
    if done.returncode not in (0, 130, -2):
        raise error("E-APP-001", code=done.returncode, detail="Streamlit could not start or was stopped.")
