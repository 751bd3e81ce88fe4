"""An empty server becomes a store once, whoever starts first, and lets go of it afterwards."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from farthing.app import open_farthing, web_application
from farthing.kernel.database import open_database
from farthing.kernel.migrate import configuration, migrate, newest_version, schema_version
from farthing.kernel.settings import load_settings
from tests.oracle import sound_books
from tests.servers import Servers, needs
from tests.service.books import Books
from tests.service.conftest import TestClock, api_of

pytestmark = [pytest.mark.books, pytest.mark.together]


def test_many_start_on_an_empty_store(engine: str, servers: Servers, tmp_path: Path) -> None:
    url = needs(engine, servers)
    stores = [open_database(url, tmp_path) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(migrate, stores))
    assert {schema_version(store) for store in stores} == {newest_version()}
    for store in stores:
        store.engine.dispose()


def test_one_store_does_not_hold_up_another(engine: str, servers: Servers, tmp_path: Path) -> None:
    """Both on one server, and the first still open."""
    first, second = (open_database(needs(engine, servers), tmp_path / name) for name in ("a", "b"))
    (tmp_path / "a").mkdir(exist_ok=True)
    (tmp_path / "b").mkdir(exist_ok=True)
    for store in (first, second):
        migrate(store)
        assert schema_version(store) == newest_version()
    first.engine.dispose()
    second.engine.dispose()


def test_invoices_from_before_taxes_have_none(
    engine: str, servers: Servers, clock: TestClock, tmp_path: Path
) -> None:
    """What was billed then reads as it did, and what it entered is what it said."""
    from alembic import command

    settings = load_settings({}, home=str(tmp_path), log_level="error", database_url=needs(engine, servers))
    farthing = open_farthing(settings, clock)
    books = Books(api_of(farthing, web_application(farthing).test_client(), clock))
    books.customer()
    invoice, draft = books.one_off("12.34"), books.one_off("1", finalize=False)
    for step, to in ((command.downgrade, "0011_journal"), (command.upgrade, "head")):
        with farthing.database.write() as connection:
            step(configuration(connection), to)
    assert sorted(books.invoices(), key=lambda one: one["id"]) == [invoice, draft]
    assert sound_books(farthing, books.api.organization)[0].lines[0].entered == Decimal("12.34")
    books.api.made("/v1/tax-rates", {"key": "w", "name": "World", "percent": "10"})
    assert books.post(draft, "finalize")["total"] == "1.10"
    farthing.close()
