"""The talking. ``connect(url)`` finds the connector by the URL's scheme."""

from __future__ import annotations

from advisor.errors import SourceError, without_secrets
from advisor.ports import Connector
from advisor.registry import with_attribute


async def connect(url: str) -> Connector:
    """Open a read-only session on the database that ``url`` names.

    Each package below this one says in ``SCHEMES`` which URL schemes it takes and opens them with ``connect``.
    Raises :class:`SourceError` for an unknown scheme, :class:`~advisor.errors.ConnectionFailed` and its
    subclasses when the database cannot be reached or refuses the credentials.
    """
    scheme = url.partition("://")[0].lower()
    known = {name: module for module in with_attribute("connectors", "SCHEMES").values() for name in module.SCHEMES}
    if scheme not in known:
        names = ", ".join(sorted(f"{name}://" for name in known))
        raise SourceError(f"{without_secrets(url)!r} is not a database URL; it must start with one of {names}.")
    connector: Connector = await known[scheme].connect(url)
    return connector
