"""Run by test_rewrites_work in a process of its own: each positive case with and without what was advised for it.

Arguments: application, the server's URL, the shop's URL, a JSON file {case: {options, code, allowed}}. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path.cwd()))

retold: Any = import_module("retold")  # beside this script

Advice = dict[str, Any]
Result = dict[str, dict[str, Any]]


def main(app: str, admin: str, url: str, advice: Advice) -> Result:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS shop")
        connection.execute("CREATE DATABASE shop")
    plain = url.replace("+psycopg", "").replace("+asyncpg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(Path("schema.sql").read_text(encoding="utf-8"))
    run: Callable[[str, Advice], Result] = globals()[app]
    return run(url, advice)


def sqlalchemy_sync(url: str, advice: Advice) -> Result:
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    loops, answers = retold.sqlalchemy_sync()
    cases = import_module("sqlalchemy_sync").POSITIVE
    loops |= {case.name: (case.query, case.visit) for case in cases if case.query is not None}
    engine = create_engine(url)

    def in_session(work: Callable[[Any], Any], **settings: Any) -> Any:
        with Session(engine, **settings) as session:
            return work(session)

    results = _sqlalchemy(engine, in_session, loops, answers, advice)
    engine.dispose()
    return results


def sqlalchemy_async(url: str, advice: Advice) -> Result:
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    loops, answers = retold.sqlalchemy_async()
    engine = create_async_engine(url)

    def in_session(work: Callable[[Any], Any], **settings: Any) -> Any:
        async def run() -> Any:
            async with AsyncSession(engine, **settings) as session:
                return await session.run_sync(work)

        return runner.run(run())

    with asyncio.Runner() as runner:
        results = _sqlalchemy(engine.sync_engine, in_session, loops, answers, advice)
        runner.run(engine.dispose())
    return results


def _sqlalchemy(engine: Any, in_session: Callable[..., Any], loops: Any, answers: Any, advice: Advice) -> Result:
    import sqlalchemy
    from sqlalchemy import event, orm

    names = {**vars(sqlalchemy), **vars(orm), **vars(import_module("shop_models"))}
    counted: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: counted.append(told[2]))

    def timed(work: Callable[[Any], Any], **settings: Any) -> tuple[str, int]:
        counted.clear()
        answer = in_session(work, **settings)
        return repr(answer), len(counted)

    results: Result = {}
    for name in advice.keys() & loops.keys():
        query, visit = loops[name]
        options = [eval(text, names) for text in advice[name]["options"]]

        def visited(session: Any, given: Any, query: Any = query, visit: Any = visit, name: str = name) -> Any:
            rows = session.scalars(query().options(*given)).unique().all()
            if name in ("expired", "refresh"):
                session.commit()
            return [visit(row) for row in rows]

        keep = {"expire_on_commit": False} if "expire_on_commit=False" in advice[name]["code"] else {}
        before = timed(partial(visited, given=()))
        after = timed(partial(visited, given=options), **keep)
        results[name] = _result(before, after, advice[name])
    for name in advice.keys() & answers.keys():
        query, ask, told = answers[name]
        code = advice[name]["code"]

        def loop(session: Any, query: Any = query, ask: Any = ask) -> Any:
            return [(row.id, ask(session, row)) for row in session.scalars(query()).all()]

        keys = [key for key, _ in in_session(loop)]

        def advised(session: Any, code: str = code, told: Any = told, keys: Any = keys) -> Any:
            space = {**names, "session": session}
            exec(code, space)
            return [(key, told(space, key)) for key in keys]

        results[name] = _result(timed(loop), timed(advised), advice[name])
    return results


def django_orm(url: str, advice: Advice) -> Result:
    app = import_module("django_orm")
    app.configure(url, "rewritten")
    models = import_module("django.db.models")
    content_type = import_module("django.contrib.contenttypes.models").ContentType
    connection = import_module("django.db").connection
    capture = import_module("django.test.utils").CaptureQueriesContext

    with connection.schema_editor() as editor:
        editor.create_model(content_type)
    author = content_type.objects.get_for_model(app._models().Author)
    app._models().Note.objects.update(content_type=author)
    names = {**vars(models), **vars(app._models())}
    loops, answers = retold.django_orm()
    results: Result = {}

    def timed(work: Callable[[], Any]) -> tuple[str, int]:
        with capture(connection) as context:
            answer = work()
        return repr(answer), len(context)

    def changed(found: Any, code: str) -> Any:
        return eval(f"found{code}", {**names, "found": found})

    for case in app.POSITIVE:
        if case.name not in advice:
            continue
        code = advice[case.name]["code"]
        query, visit, after = case.query, case.visit, case.visit
        if case.name in loops:
            query, visit = loops[case.name]
            after = visit
        elif case.name in answers:
            query, visit, after = answers[case.name]
        settings = case.options

        def rows(found: Any, settings: Any = settings) -> Any:
            return found.iterator(**settings) if settings else found

        def visited(code: str, each: Any, query: Any = query, rows: Any = rows) -> Any:
            return [each(row) for row in rows(changed(query(), code))]

        results[case.name] = _result(
            timed(partial(visited, "", visit)), timed(partial(visited, code, after)), advice[case.name]
        )
    connection.close()
    return results


def _result(before: tuple[str, int], after: tuple[str, int], advice: Advice) -> dict[str, Any]:
    return {"equal": before[0] == after[0], "before": before[1], "after": after[1], "allowed": advice["allowed"]}


if __name__ == "__main__":
    application, server, shop, file = sys.argv[1:]
    print(json.dumps(main(application, server, shop, json.loads(Path(file).read_text(encoding="utf-8")))))
