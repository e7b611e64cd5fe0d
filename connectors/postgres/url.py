"""Database URLs: libpq's forms, and the name under which a server may be spoken of."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from advisor.errors import SourceError

SCHEMES = ("postgresql", "postgres")

# What libpq takes for itself and asyncpg would send to the server as a setting (manual, 34.1.2), and what Prisma and
# Django add to the same URLs.
_CLIENT_ONLY = frozenset(
    [
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "connection_limit",
        "fallback_application_name",
        "application_name",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "pgbouncer",
        "pool_timeout",
        "require_auth",
        "requirepeer",
        "schema",
        "sslaccept",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    ]
)
_DEFAULT_TIMEOUT_S = 10.0
_UNREADABLE = (
    "The database URL cannot be read; it has the form postgresql://user:password@host:port/database, and special "
    "characters in user name and password must be percent-encoded (@ is %40, / is %2F, # is %23)."
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: ``dsn`` for the driver (secret), ``name`` for people (no user, no password)."""

    dsn: str
    name: str
    database: str = ""
    connect_timeout_s: float = _DEFAULT_TIMEOUT_S


def parse_url(url: str) -> Target:
    """Read a ``postgresql://`` URL: unix sockets as ``?host=/path``, several hosts, ``sslmode`` and the rest of libpq.

    What is missing comes from the ``PG*`` environment variables and the password file, as with libpq.
    Raises :class:`SourceError` without repeating the URL, which may hold a password in any place.
    """
    try:
        parts = urlsplit(url.strip())
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise SourceError(_UNREADABLE) from error
    login, at, hosts = parts.netloc.rpartition("@")
    settings = dict(query)
    astray = "@" in parts.path or ("@" in parts.query and not at and "user" not in settings)
    if parts.scheme.lower() not in SCHEMES or parts.fragment or astray or not _ports_are_numbers(hosts):
        raise SourceError(_UNREADABLE)
    kept = {key: value for key, value in settings.items() if value and key.lower() not in _CLIENT_ONLY}
    database = unquote(parts.path.lstrip("/")) or settings.get("dbname", "") or settings.get("database", "")
    user, colon, password = login.partition(":")
    login = quote(unquote(user), safe="") + colon + quote(unquote(password), safe="")
    dsn = urlunsplit(("postgresql", login + at + hosts, parts.path, urlencode(kept), ""))
    return Target(dsn, _name(hosts, settings, database), database, _timeout(settings.get("connect_timeout", "")))


def _ports_are_numbers(hosts: str) -> bool:
    return all(_port_of(host).isdigit() or not _port_of(host) for host in hosts.split(","))


def _port_of(host: str) -> str:
    return host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""


def _name(hosts: str, settings: dict[str, str], database: str) -> str:
    hosts = unquote(hosts)
    if hosts.startswith("/"):
        directory, _, port = hosts.partition(":")
        return _name("", {"host": directory, "port": port}, database)
    where = {key: settings[key] for key in ("host", "port") if settings.get(key) and not hosts}
    return f"postgresql://{hosts}/{quote(database)}" + ("?" + urlencode(where, safe="/,") if where else "")


def _timeout(text: str) -> float:
    # libpq: zero or negative waits for ever, which is no help to a person in front of a screen.
    return float(text) if text.isdigit() and int(text) > 0 else _DEFAULT_TIMEOUT_S
