"""Run by test_rewrites_work in a process of its own: each declarative case with and without the advised options.

Arguments: application, the server's URL, the shop's URL, a JSON file {case: {options, allowed}}. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path.cwd()))


def main(app: str, admin: str, url: str, advice: dict[str, Any]) -> dict[str, Any]:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS shop")
        connection.execute("CREATE DATABASE shop")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(Path("schema.sql").read_text(encoding="utf-8"))
    return sqlalchemy(url, advice) if app == "sqlalchemy_sync" else django(url, advice)


def sqlalchemy(url: str, advice: dict[str, Any]) -> dict[str, Any]:
    shop_models, sqlalchemy_sync = import_module("shop_models"), import_module("sqlalchemy_sync")
    from sqlalchemy import create_engine, event, orm

    engine = create_engine(url)
    names = {**vars(orm), **vars(shop_models)}
    counted: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: counted.append(a[2]))
    results = {}
    for case in sqlalchemy_sync.POSITIVE:
        if case.query is None or case.name not in advice:
            continue
        options = tuple(eval(text, names) for text in advice[case.name]["options"] if "…" not in text)
        if not options:
            continue
        answers, counts = [], []
        for given in ((), options):
            counted.clear()
            with orm.Session(engine) as session:
                answers.append(repr(sqlalchemy_sync.answer(case, session, given)))
            counts.append(len(counted))
        results[case.name] = _result(answers, counts, advice[case.name])
    engine.dispose()
    return results


def django(url: str, advice: dict[str, Any]) -> dict[str, Any]:
    django_orm = import_module("django_orm")
    django_orm.configure(url, "rewritten")
    content_type = import_module("django.contrib.contenttypes.models").ContentType
    connection = import_module("django.db").connection
    capture = import_module("django.test.utils").CaptureQueriesContext

    with connection.schema_editor() as editor:
        editor.create_model(content_type)
    author = content_type.objects.get_for_model(django_orm._models().Author)
    django_orm._models().Note.objects.update(content_type=author)
    results = {}
    for case in django_orm.POSITIVE:
        if case.query is None or not advice.get(case.name, {}).get("options"):
            continue
        calls = advice[case.name]["options"]

        def change(found: Any, calls: list[str] = calls) -> Any:
            for call in calls:
                found = eval(f"found.{call}", {"found": found})
            return found

        if not hasattr(case.query(), "select_related"):
            continue  # an iterator(): the option belongs before it
        answers, counts = [], []
        for given in (None, change):
            with capture(connection) as context:
                answers.append(repr(django_orm.answer(case, given)))
            counts.append(len(context))
        results[case.name] = _result(answers, counts, advice[case.name])
    connection.close()
    return results


def _result(answers: list[str], counts: list[int], advice: dict[str, Any]) -> dict[str, Any]:
    return {"equal": answers[0] == answers[1], "before": counts[0], "after": counts[1], "allowed": advice["allowed"]}


if __name__ == "__main__":
    application, server, shop, file = sys.argv[1:]
    print(json.dumps(main(application, server, shop, json.loads(Path(file).read_text(encoding="utf-8")))))
