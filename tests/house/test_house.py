"""The rules of the house: what people forget, each with the accident it prevents."""

import ast
import re
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from farthing.audited import UNAUDITED
from farthing.calls import ENDPOINTS, LATER
from farthing.kernel.columns import metadata
from farthing.kernel.migrate import configuration, migrate
from farthing.kernel.opening import open_database
from tests.servers import Servers

rules_of = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "generate"))["rules_of"]

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "farthing"
RULES_IN_FORCE = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 19, 22, 24, 25, 27, 28)  # in `pricing`
RULES_IN_SERVICES = (13, 20, 21, 23, 26)  # kept by rooms, as far as they are built
OPEN_CALLS = {("POST", "/v1/login"), ("POST", "/v1/refresh"), ("GET", "/.well-known/jwks.json")}


def python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "versions" not in path.parts)


@cache
def trees(folder: Path) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text("utf-8"))) for path in python_files(folder)]


@cache
def rules_named(folder: Path) -> dict[int, list[str]]:
    """Where docstrings say "rule N", "rules A and N" or "rules A to N", by number."""
    found: dict[int, list[str]] = {}
    for path, tree in trees(folder):
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                for rule in rules_of(ast.get_docstring(node) or ""):
                    found.setdefault(rule, []).append(where(path, node))
    return found


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def test_arrows_only_go_down() -> None:
    """A room that knows another's insides cannot be moved to a server of its own."""
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_pricing_stands_on_the_standard_library() -> None:
    """A price that depends on a framework cannot be worked out twice alike."""
    foreign = [
        f"{where(path, node)} {name}"
        for path, tree in trees(SOURCE / "pricing") for node in ast.walk(tree) for name in imported(node)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("farthing.pricing")
    ]
    assert not foreign


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_pricing_has_no_binary_floats() -> None:
    """0.1 + 0.2 on an invoice; `round` goes to even; `/` on integers makes a float (rule 1)."""
    found = [
        where(path, node) for path, tree in trees(SOURCE / "pricing") for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in ("float", "round"))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert not found


def test_only_the_clock_reads_the_time() -> None:
    """A time read in passing cannot be moved by a test or a sandbox."""
    reading = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
    found = [
        where(path, node) for path, tree in trees(SOURCE) for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in reading
    ]
    assert {place.partition(":")[0] for place in found} == {"src/farthing/kernel/clock.py"}


@pytest.mark.parametrize("rule", RULES_IN_FORCE)
def test_a_rule_has_its_function_in_pricing_and_its_test(rule: int) -> None:
    """A rule that nobody can find is broken by the next change."""
    assert rules_named(SOURCE / "pricing").get(rule), f"no function of pricing names rule {rule}"
    assert rules_named(ROOT / "tests").get(rule), f"no test names rule {rule}"


@pytest.mark.parametrize("rule", RULES_IN_SERVICES)
def test_a_rule_of_services_has_its_function_and_its_test(rule: int) -> None:
    assert rules_named(SOURCE).get(rule), f"no function names rule {rule}"
    assert rules_named(ROOT / "tests").get(rule), f"no test names rule {rule}"


def test_every_call_says_who_may_make_it() -> None:
    """A route without a scope is open to the world."""
    assert {(one.method, one.path) for one in ENDPOINTS if one.scope is None} == OPEN_CALLS
    assert all(one.summary for one in ENDPOINTS)


def test_models_over_the_wire_have_names_of_their_own() -> None:
    """Two of one name would be one in `/openapi.json`."""
    models = {model for one in ENDPOINTS for model in (one.body, one.answer) if model is not None}
    assert len({model.__name__ for model in models}) == len(models)


def test_no_call_is_both_built_and_not() -> None:
    built = {(one.method, re.sub(r"<\w+>", "<one>", one.path)) for one in ENDPOINTS}
    assert not built & {(method, re.sub(r"<\w+>", "<one>", path)) for method, path in LATER}


def test_every_table_is_audited_or_says_why_not() -> None:
    """A change that nobody can be asked about afterwards."""
    assert not UNAUDITED.keys() - metadata.tables.keys()
    audited = [table for name, table in metadata.tables.items() if name not in UNAUDITED]
    assert [table.name for table in audited if table.name != "organizations" and "organization" not in table.c] == []


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_tables_are_those_of_the_migrations(engine: str, servers: Servers, tmp_path: Path) -> None:
    """A column that only the models know works on the developer's machine alone."""
    database = open_database(servers.url(engine), tmp_path)
    migrate(database)
    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    database.engine.dispose()
    assert not differences


def test_migrations_can_be_undone(tmp_path: Path) -> None:
    """An upgrade that cannot be taken back turns a bad evening into a bad week."""
    from alembic import command

    database = open_database("", tmp_path)
    migrate(database)
    with database.write() as connection:
        command.downgrade(configuration(connection), "base")
    with database.read() as connection:
        left = set(connection.dialect.get_table_names(connection)) - {"alembic_version"}
    database.engine.dispose()
    assert not left


LONG_FUNCTIONS = 19  # of more than 25 lines: may only fall


def test_pieces_stay_small() -> None:
    """What does not fit on a screen is not read before it is changed."""
    functions = [
        f"{where(path, node)} {node.name} {(node.end_lineno or 0) - node.lineno + 1}"
        for path, tree in trees(SOURCE) for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 25
    ]
    files = [str(path) for path in python_files(SOURCE) if len(path.read_text("utf-8").splitlines()) > 300]
    assert len(functions) <= LONG_FUNCTIONS, functions
    assert not files
