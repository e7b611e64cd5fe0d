"""The verbs that stay or look around: serve, doctor."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from fastapi import FastAPI, Request, Response
from rich.console import Console
from rich.table import Table

from advisor.cli import output
from advisor.cli.inspect import study
from advisor.cli.options import Estimator
from advisor.cli.sources import Reading
from advisor.errors import LogFormatError, SourceError
from advisor.model.capture import Coverage
from advisor.model.report import Report
from advisor.ports import Options, Progress
from connectors import connect
from connectors.compiled import is_built
from connectors.otlp.receiver import LARGEST, Inbox

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def doctor(
    url: Annotated[
        str | None, typer.Argument(help="A database URL; without one, only this installation is checked.")
    ] = None,
) -> None:
    """Say what can and cannot be seen with this URL, and the GRANT or setting that would show it."""
    installation = _installation()
    found = (*installation, *(asyncio.run(_coverage(url)) if url else ()))
    table = Table(box=None, pad_edge=False)
    for heading in ("", "What", "Found", "What would help"):
        table.add_column(heading, overflow="fold")
    for entry in found:
        table.add_row("✓" if entry.seen else "✗", entry.subject, entry.detail, entry.remedy)
    Console().print(table)
    if not all(entry.seen for entry in installation):
        raise SourceError("This installation is broken; reinstall query-advisor into an environment of its own.")


async def _coverage(url: str) -> tuple[Coverage, ...]:
    connector = await connect(url)
    try:
        return await connector.coverage()
    finally:
        await connector.close()


def _installation() -> tuple[Coverage, ...]:
    """Whether our three packages are ours: another distribution may have overwritten one (web.py installs ``web``)."""
    import advisor
    import connectors
    import web

    home = Path(advisor.__file__).parent.parent
    strays = [p.__name__ for p in (connectors, web) if Path(p.__file__ or "").parent.parent != home]
    marks = [
        p.__name__ for p in (advisor, connectors, web) if not Path(p.__file__ or "").with_name("py.typed").exists()
    ]
    broken = sorted({*strays, *marks})
    detail = f"overwritten by another distribution: {', '.join(broken)}" if broken else f"version {advisor.__version__}"
    remedy = "Install query-advisor into an environment of its own." if broken else ""
    return (Coverage("installation", not broken, detail, remedy), _log_reader())


def _log_reader() -> Coverage:
    """Which reader of logs there is; both read all."""
    if is_built():
        return Coverage("log reader", True, "plain records are read by the compiled reader, others by SQL")
    remedy = "Install a C compiler (Debian: gcc libc6-dev), then query-advisor again: logs are read in half the time."
    return Coverage("log reader", True, "all records are read by SQL; the compiled reader was not built", remedy)


def serve(
    source: Annotated[
        Path | None, typer.Argument(help="A folder that --out named; without one, what the store has.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8080,
    store: Annotated[str, typer.Option(help="Store of targets and reports, an SQLAlchemy URL.")] = "",
    allow_host: Annotated[list[str] | None, typer.Option(help="Another Host header to accept; several times.")] = None,
    otlp: Annotated[
        Path | None, typer.Option(help="Append OpenTelemetry traces posted to /v1/traces to this file.")
    ] = None,
) -> None:
    """Show reports in the browser, and scan saved targets from there."""
    if not _installation()[0].seen:
        raise SourceError(
            "Another distribution has overwritten a package of query-advisor; install it into its own environment."
        )
    serve_reports([output.read(source)] if source else [], host, port, store, allow_host or (), otlp)


def serve_reports(
    reports: Sequence[Report],
    host: str = "127.0.0.1",
    port: int = 8080,
    store: str = "",
    hosts: Sequence[str] = (),
    otlp: Path | None = None,
) -> None:
    """Serve until interrupted; prints where. A port in use is replaced by a free one.

    Beyond this machine's own addresses people log in once, with the address that is printed.
    """
    import uvicorn

    from web.app import create_app

    listener = _listener(host, port)
    port = listener.getsockname()[1]
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    app = create_app(reports, store or None, hosts=[*hosts, host], scan=_scan, token=token)
    if otlp is not None:
        _receive_traces(app, otlp)
        output.say(f"Traces posted to http://{host}:{port}/v1/traces go to {otlp}. Then: advisor analyze {otlp}")
    page = f"login?token={token}" if token else ""
    output.say(f"\nThe report is at http://{host}:{port}/{page}  (Ctrl-C stops)")
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


def _receive_traces(app: FastAPI, file: Path) -> None:
    """Take what an OTLP/HTTP exporter posts (OpenTelemetry protocol specification, "OTLP/HTTP")."""
    inbox = Inbox(file)

    @app.post("/v1/traces", include_in_schema=False)
    async def traces(request: Request) -> Response:
        kind, coding = (request.headers.get(name, "") for name in ("content-type", "content-encoding"))
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                return Response(f"The post is larger than {LARGEST >> 20} MiB; send smaller batches.", 413)
        try:
            content, media_type = inbox.accept(bytes(body), kind, coding)
        except LogFormatError as error:
            return Response(str(error), 400, media_type="text/plain")
        return Response(content, media_type=media_type)


def _scan(url: str, show: Progress) -> Report:
    return study([url], Reading(), Options(), Estimator.AUTO, show=show)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in (port, 0):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, wanted))
        except OSError as error:
            listener.close()
            if wanted == 0:
                raise SourceError(f"Cannot listen on {host}: {error.strerror}; choose another --host.") from error
            output.say(f"Port {port} is in use; taking a free one.")
        else:
            return listener
    raise SourceError(f"Cannot listen on {host}:{port}; choose another --port.")
