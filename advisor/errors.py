"""Every error a user can meet. One sentence: what happened and what to do.

A class's docstring is its default message. The command line prints the message and exits with
status 2; the web shows it; the original exception stays in ``__cause__``.
"""

from __future__ import annotations

import re

_PASSWORD_IN_URL = re.compile(r"(?P<head>\b[\w+.-]+://[^\s:/@]*):(?P<password>[^\s/]*)@")
_PASSWORD_IN_DSN = re.compile(r"(?P<head>\b(?:password|passwd|pwd)\s*=\s*)(?:'[^']*'|[^\s&'\"]+)", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Replace every password in URLs and key=value connection strings by ``***``.

    >>> without_secrets("cannot reach postgresql://app:s3cret@db/shop?password=x")
    'cannot reach postgresql://app:***@db/shop?password=***'
    """
    text = _PASSWORD_IN_URL.sub(r"\g<head>:***@", text)
    return _PASSWORD_IN_DSN.sub(r"\g<head>***", text)


class AdvisorError(Exception):
    """Query Advisor could not go on; run the command again with --help to see what it accepts."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(without_secrets(message or " ".join((self.__doc__ or "").split())))


class SourceError(AdvisorError):
    """The source is neither a database URL, a capture, a plan nor a log file; pass one of these."""


class ConnectionFailed(AdvisorError):
    """The database could not be reached; check host, port and network, then try again."""


class AuthenticationFailed(ConnectionFailed):
    """The database refused the user name or password; check the credentials in the URL."""


class PermissionMissing(AdvisorError):
    """The role may not read what is needed; grant it what `advisor doctor URL` lists."""


class CaptureError(AdvisorError):
    """The capture is incomplete or was written by another version; capture again."""


class LogFormatError(AdvisorError):
    """The log file's format was not recognised; pass a PostgreSQL csvlog, jsonlog or stderr log, or a mongod log."""


class EmptyWorkload(AdvisorError):
    """No statement was seen; log all for a while (log_min_duration_statement or slowms 0) or pass another log."""


class PlannerUnavailable(AdvisorError):
    """No planner could answer what-if questions; let the embedded PostgreSQL start, or name a sandbox."""


class StoreError(AdvisorError):
    """The store of targets and reports could not be opened; check --store and its permissions."""


class ExportError(AdvisorError):
    """The recommendation cannot be exported in this form; choose another --tool."""


class SandboxError(AdvisorError):
    """The sandbox could not be used; name a database that may be changed and dropped."""
