"""What the recorder costs a request of 20 queries: ``python tests/benchmarks/n_plus_one_recorder.py``.

SQLAlchemy (psycopg) on a local PostgreSQL, requests with and without the recorder in turn; CPU time and wall clock, the
median and the fastest tenth, which other work on the machine disturbs least. Target: under 5 % of the request.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from advisor.record import Recorder
from connectors.postgres.embedded import EmbeddedServer

QUERIES, REQUESTS = 20, 300


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[int]
    name: Mapped[str]
    price: Mapped[int]


def main() -> None:
    with EmbeddedServer(version=16) as server:
        engine = create_engine(server.url_of("postgres", "psycopg"))
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all([Item(kind=number % QUERIES, name="item", price=number) for number in range(20 * QUERIES)])
            session.commit()
        wall: dict[str, list[float]] = {"without": [], "with": []}
        cpu: dict[str, list[float]] = {"without": [], "with": []}
        events = failures = 0
        for _ in range(REQUESTS):
            for name in wall:
                # Taken out in between: SQLAlchemy itself works more while anybody listens.
                recorder = Recorder(root=Path.cwd())
                if name == "with":
                    recorder.sqlalchemy(engine)
                with recorder.unit("/request"):
                    started, spent = time.perf_counter(), time.process_time()
                    _request(engine)
                    wall[name].append(time.perf_counter() - started)
                    cpu[name].append(time.process_time() - spent)
                recorder.close()
                events, failures = events + len(recorder.events), failures + recorder.failures
        engine.dispose()
    for part, figure in (("median", statistics.median), ("fastest tenth", _fastest_tenth)):
        base = figure(wall["without"])
        for kind, times in (("wall clock", wall), ("CPU", cpu)):
            less, more = figure(times["without"]), figure(times["with"])
            told = f"{less * 1000:.2f} -> {more * 1000:.2f} ms, {(more - less) / base:+.1%} of the request"
            print(f"{part}, {kind}: {told}")
    print(f"{events} events, {failures} failures")


def _fastest_tenth(times: list[float]) -> float:
    return statistics.quantiles(times, n=10)[0]


def _request(engine: Engine) -> None:
    with Session(engine) as session:
        for kind in range(QUERIES):
            session.scalars(select(Item).where(Item.kind == kind)).all()


if __name__ == "__main__":
    main()
