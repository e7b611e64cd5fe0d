"""What is not in the documents does not exist; what they promise does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from advisor.cli.app import app
from advisor.export import __name__ as export_package
from advisor.registry import with_attribute

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_verb_is_in_the_readme_and_has_help(verb: str) -> None:
    assert f"advisor {verb}" in README
    assert COMMANDS[verb].help


@pytest.mark.parametrize("package", ["advisor.rules", export_package])
def test_every_rule_and_migration_tool_is_in_the_readme(package: str) -> None:
    attribute = "RULE" if package == "advisor.rules" else "TOOL"
    missing = [name for name in with_attribute(package, attribute) if f"`{name}`" not in README]
    assert not missing


def test_options_named_in_the_readme_exist() -> None:
    known = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    known |= {"--help", "--version"}
    named = {
        option
        for line in re.findall(r"^\s*(?:\$ )?(?:\.venv/bin/)?advisor .*$", README, re.MULTILINE)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)
    }
    assert named <= known


def test_ci_runs_the_readmes_test_command() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    command = ci.rstrip().splitlines()[-1]
    assert command.startswith("python -m pytest")
    assert command in README


def test_glossary_and_links_within_the_repository() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target
