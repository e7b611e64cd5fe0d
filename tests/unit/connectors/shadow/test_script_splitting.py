"""Splitting a dump into statements as psql does."""

from __future__ import annotations

import pytest

from connectors.postgres.shadow.script import statements


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("-- a; b\n/* c; /* d; */ e; */ SELECT 1;", ["SELECT 1"]),
        ("SELECT ';', \"a;b\", E'\\';', $$;$$, $x$;$$;$x$;", ["SELECT ';', \"a;b\", E'\\';', $$;$$, $x$;$$;$x$"]),
        ("\\restrict abc\nSET a = b;\n\\unrestrict abc\n", ["SET a = b"]),
        ("COPY t (a) FROM stdin;\n1;2\n'\\.x\n\\.\n\nSELECT 3;", ["SELECT 3"]),
        ("SELECT $1;SELECT a$b;", ["SELECT $1", "SELECT a$b"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 1;",
            [
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
                "SELECT 1",
            ],
        ),
        (
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);",
            ["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)"],
        ),
        (" ;;\n", []),
        ("SELECT 'open", ["SELECT 'open"]),
        ("/* open", []),
        ("COPY t FROM stdin;\n1\n2", []),
    ],
)
def test_statements(script: str, expected: list[str]) -> None:
    assert [statement.text for statement in statements(script)] == expected


def test_lines_are_those_of_the_script() -> None:
    assert [s.line for s in statements("\n\n-- x\nSELECT 1;\nSELECT\n2;")] == [4, 5]
