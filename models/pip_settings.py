"""How this machine's pip is told to reach packages, so that packs come the same way and from the same place.

Company mirrors, their certificates and proxies are configured for pip already; nobody should configure them twice.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass

SCOPES = ("global", "download", ":env:")
"""pip's sections that hold for downloads; a later one overrides an earlier one."""


@dataclass(frozen=True)
class PipSettings:
    """The settings of pip that concern fetching; None or empty where pip's default holds. `timeout` in seconds."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    timeout: float = 15.0
    retries: int = 5


def read() -> PipSettings:
    """The settings that `pip download` would use here: configuration files, then PIP_* variables."""
    return parse(_config_list() or _environment_only())


def parse(listing: str) -> PipSettings:
    """The settings out of what `pip config list` prints, lines such as global.index-url='https://…'."""
    values: dict[str, str] = {}
    entries = [_entry(line) for line in listing.splitlines() if "=" in line]
    for scope in SCOPES:
        values.update({key: value for found, key, value in entries if found == scope})
    return PipSettings(
        index_url=values.get("index-url") or None,
        extra_index_urls=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(values.get("find-links", "").split()),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        no_index=values.get("no-index", "").lower() in {"1", "true", "yes", "on"},
        cert=values.get("cert") or None,
        client_cert=values.get("client-cert") or None,
        proxy=values.get("proxy") or None,
        timeout=float(values.get("timeout") or values.get("default-timeout") or PipSettings.timeout),
        retries=int(values.get("retries") or PipSettings.retries),
    )


def _entry(line: str) -> tuple[str, str, str]:
    name, _, quoted = line.partition("=")
    scope, _, key = name.rpartition(".")
    try:
        value = str(ast.literal_eval(quoted))
    except (SyntaxError, ValueError):
        value = quoted
    return scope, key.lower().replace("_", "-"), value


def _config_list() -> str:
    # Without pip in the environment (some tools make such ones) the command fails, and its variables still count.
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def _environment_only() -> str:
    found = {name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name.startswith("PIP_")}
    return "\n".join(f":env:.{name}={value!r}" for name, value in found.items())
