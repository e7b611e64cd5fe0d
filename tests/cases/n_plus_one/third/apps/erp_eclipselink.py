"""An ERP with composite keys: JPA (EclipseLink 2.7, to-one relations loaded eagerly one by one) and plain JDBC.

Needs a JDK and Debian's libeclipselink-java and libpostgresql-jdbc-java.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from cases import M2O, O2M, Case, burst

ITEMS, TERMS = burst("item", "order_line", M2O), burst("terms", "customer", M2O)
LINES = burst("order_line", "sales_order", O2M)
POSITIVE = [
    Case("orders_eager_customer", expected=(burst("customer", "sales_order", M2O), TERMS)),
    Case("customers_eager_terms", expected=(TERMS,)),
    # JOIN FETCH over two steps fetches the first only, in EclipseLink: what the author did not expect.
    Case("lines_of_orders", expected=(LINES, ITEMS, TERMS)),
    Case("orders_of_customers", expected=(burst("sales_order", "customer", O2M),)),
    Case("lines_and_items", expected=(LINES, ITEMS, TERMS)),
    Case("join_fetch", expected=(ITEMS, TERMS)),
    Case("jdbc_texts", expected=(burst("item_text", "item", O2M),)),
    Case("jdbc_prices", expected=(burst("posting", "sales_order", O2M),)),
    Case("find_each", expected=(burst("item", pattern="parentless-loop"),)),
    Case("flush_each", expected=(burst("posting", pattern="row-by-row-write"),)),
    Case("version_each", expected=(burst("sales_order", pattern="row-by-row-write"), TERMS)),
]
NEGATIVE = [
    Case("batch_hint", row="already batched"),
    Case("jdbc_batch", row="bulk write"),
    Case("result_pages", row="pagination"),
    Case("jdbc_fetch_size", row="cursor FETCH"),
    Case("invoices", row="job worker"),
    Case("clerks", row="concurrent traffic"),
    Case("day_by_day", row="no key"),
]
LIBRARIES = [
    f"/usr/share/java/{name}.jar"
    for name in ("eclipselink", "eclipselink-jpa-2.1-spec", "org.eclipse.persistence.jpa.jpql", "postgresql")
]
SETTINGS = {"log_destination": "csvlog", "log_min_duration_statement": "0"}


@contextmanager
def forwarded(path: str) -> Iterator[int]:
    """A port of the loopback interface that leads to a unix socket: PostgreSQL's driver for Java speaks TCP only."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(path)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    path = ":".join([*LIBRARIES, "."])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {parts.path.lstrip('/')} SET search_path TO erp")
        connection.execute("SELECT 1")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(__file__).with_suffix(".java").read_text(encoding="utf-8")
        (Path(folder) / "Erp.java").write_text(source, encoding="utf-8")
        (Path(folder) / "META-INF").mkdir()
        (Path(folder) / "META-INF" / "persistence.xml").write_text(UNIT, encoding="utf-8")
        subprocess.run(["javac", "--release", "11", "-cp", path, "Erp.java"], cwd=folder, check=True)
        with forwarded(parse_qs(parts.query)["host"][0] + "/.s.PGSQL.5432") as port:
            jdbc = f"jdbc:postgresql://127.0.0.1:{port}/{parts.path.lstrip('/')}?user={parts.username or 'postgres'}"
            subprocess.run(["java", "-cp", path, "Erp", jdbc, prefix], cwd=folder, check=True)
    yield from POSITIVE + NEGATIVE


UNIT = """<persistence xmlns="http://xmlns.jcp.org/xml/ns/persistence" version="2.1">
<persistence-unit name="erp" transaction-type="RESOURCE_LOCAL">
<provider>org.eclipse.persistence.jpa.PersistenceProvider</provider>
<class>Erp$Customer</class><class>Erp$Terms</class><class>Erp$SalesOrder</class><class>Erp$OrderLine</class>
<class>Erp$Item</class><class>Erp$Posting</class>
<exclude-unlisted-classes>true</exclude-unlisted-classes>
</persistence-unit></persistence>
"""
