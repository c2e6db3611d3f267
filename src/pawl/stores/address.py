"""Where a PostgreSQL database is: a URL as libpq reads it, in which no password may stand."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pawl.errors import ConfigError, PartError

FORM = "postgresql://USER@HOST:5432/DATABASE   (without a password: it belongs in ~/.pgpass or PGPASSWORD)"
SECRET = ("password", "sslpassword")
PATIENCE = {"connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
"""Seconds and probes after which a silent server counts as gone, unless the URL says otherwise."""


def driver() -> ModuleType:
    """psycopg 3. Raises PartError with the command that installs it."""
    try:
        import psycopg  # an optional extra
    except ImportError as error:
        raise PartError(
            f"the store 'postgresql' needs psycopg 3, which does not import: {str(error).splitlines()[0]}",
            "pip install 'pawl-ai[postgres]'",
        ) from error
    return psycopg


def parameters(url: str) -> dict[str, Any]:
    """What libpq is told. Raises ConfigError for what is no such URL, or holds a password; it never repeats the URL,
    since a password may stand in it at any place once it is mistyped."""
    psycopg = driver()
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError("[store] url is not a PostgreSQL URL", FORM)
    try:
        found = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise ConfigError("[store] url is not a PostgreSQL URL", FORM) from None
    if any(name in found for name in SECRET):
        raise ConfigError("[store] url holds a password, and pawl.toml is no place for one", FORM)
    ports = str(found.get("port", "")).split(",")
    if not all(port.isdigit() or not port for port in ports) or any("@" in str(value) for value in found.values()):
        raise ConfigError("[store] url is not a PostgreSQL URL: a sign in it must be percent-encoded", FORM)
    return {**PATIENCE, **found}
