"""Make `.venv` and install the locked dependencies into it, with uv; on demand others for the extras.

Usage: python3 scripts/bootstrap.py [install|lock|spark|lock-spark|semantic|lock-semantic]

`spark` makes `.venv-spark` from requirements-spark.lock: pyspark and dbt-spark stand in an environment of
their own, which nobody needs who builds with DuckDB. `semantic` does the same for MetricFlow. The project
itself is not installed in either.

uv reads neither pip's configuration files nor its PIP_* variables. A machine that reaches its packages
through an index of its own has told pip so already; this script hands the same settings to uv for the one
command it runs, so that nothing about any machine is written into the repository.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
STAMP = VENV / ".stamp"
LOCK = ROOT / "requirements.lock"
# Extras that stand in an environment and a lock of their own.
EXTRAS = ("spark", "semantic")
UV = "uv==0.13.9"

# pip's option -> uv's variable and what separates several values in it
TRANSLATION = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "cert": ("SSL_CERT_FILE", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "no-index": ("UV_NO_INDEX", " "),
}
# pip's own order of precedence, weakest first
SCOPES = ("global", "user", "site", "install", ":env:")


def pip_settings() -> dict[str, str]:
    """What pip is configured with, option name -> value, after pip's precedence."""
    out = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, dict[str, str]] = {scope: {} for scope in SCOPES}
    for line in out.splitlines():
        name, _, value = line.partition("=")
        scope, _, option = name.partition(".")
        if scope in found:
            found[scope][option] = value.strip().strip("'\"").replace("\\n", " ")
    merged: dict[str, str] = {}
    for scope in SCOPES:
        merged.update(found[scope])
    return merged


def uv_environment(target: Path = VENV) -> dict[str, str]:
    """The environment for one uv command on the virtual environment `target`: pip's settings translated, the
    caller's UV_* left as they are.
    """
    env = dict(os.environ)
    for option, value in pip_settings().items():
        if option not in TRANSLATION:
            continue
        variable, separator = TRANSLATION[option]
        env.setdefault(variable, separator.join(value.split()))
    # pip takes the best version over all its indexes; uv by default the first index that knows the name.
    env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    env.setdefault("UV_LINK_MODE", "copy")
    env["VIRTUAL_ENV"] = str(target)
    return env


def ensure_uv() -> None:
    """Make the environment and put uv into it, once."""
    if not PYTHON.exists():
        print("bootstrap: making .venv", flush=True)
        venv.create(VENV, with_pip=True)
    if not (BIN / "uv").exists():
        print("bootstrap: installing uv", flush=True)
        subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", UV], check=True)


def uv(*arguments: str, target: Path = VENV, given: str | None = None) -> None:
    """Run the project's uv once, on the environment `target`, with the text `given` as its input."""
    subprocess.run(
        [str(BIN / "uv"), *arguments],
        check=True, env=uv_environment(target), cwd=ROOT, input=given, text=True,
    )  # fmt: skip


def install() -> None:
    """Bring `.venv` to exactly what the lock says, and the project itself as an editable install."""
    ensure_uv()
    print("bootstrap: installing what requirements.lock names", flush=True)
    uv("pip", "sync", "--quiet", "--require-hashes", str(LOCK.name))
    uv("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.touch()


def extra_venv(extra: str) -> Path:
    """The environment of an extra."""
    return ROOT / f".venv-{extra}"


def extra_lock(extra: str) -> Path:
    """The lock of an extra."""
    return ROOT / f"requirements-{extra}.lock"


def install_extra(extra: str) -> None:
    """Bring an extra's environment to exactly what its lock says."""
    ensure_uv()
    target = extra_venv(extra)
    if not (target / "pyvenv.cfg").exists():
        venv.create(target, with_pip=False)
    print(f"bootstrap: installing what {extra_lock(extra).name} names", flush=True)
    uv("pip", "sync", "--quiet", "--require-hashes", extra_lock(extra).name, target=target)
    (target / STAMP.name).touch()


def compile_lock(target: Path, *sources: str, given: str | None = None) -> None:
    """Resolve `sources` anew into the lock `target`, for every supported Python."""
    ensure_uv()
    uv(
        "pip", "compile", *sources, "--universal", "--generate-hashes",
        "--python-version", "3.11", "--no-header", "--no-emit-index-url", "--no-emit-find-links",
        "--no-annotate", "--quiet", "-o", target.name,
        given=given,
    )  # fmt: skip
    text = target.read_text(encoding="utf-8")
    if "://" in text or "--index" in text:
        sys.exit("bootstrap: the lock names a host; it must not")


def lock() -> None:
    """Resolve pyproject.toml with the dev extra into requirements.lock."""
    compile_lock(LOCK, "pyproject.toml", "--extra", "dev")


def lock_extra(extra: str) -> None:
    """Resolve an extra alone into its own lock."""
    import tomllib  # here, so that an interpreter too old for it is told so in words

    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = told["project"]["optional-dependencies"][extra]
    compile_lock(extra_lock(extra), "-", given="\n".join(wanted) + "\n")


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 -- the caller's interpreter may be older than the project's
        sys.exit("bootstrap: Python 3.11 or newer is needed")
    verbs = {"install": install, "lock": lock}
    verb = sys.argv[1] if len(sys.argv) > 1 else "install"
    if verb in EXTRAS:
        install_extra(verb)
    elif verb.removeprefix("lock-") in EXTRAS:
        lock_extra(verb.removeprefix("lock-"))
    else:
        verbs[verb]()
