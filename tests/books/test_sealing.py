"""The chain over the journal: nothing is skipped, nothing is sealed twice, nobody waits, and no row can be altered."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Table, delete, select, update
from sqlalchemy.exc import DatabaseError

from farthing.billing.journal.models import journal_entries, journal_postings
from farthing.billing.journal.store import LOG
from farthing.kernel.audit.models import audit_log
from farthing.kernel.sealing import Sealing
from farthing.kernel.sealing.models import seals, unsealed
from farthing.kernel.sealing.store import Seal, SealStore
from farthing.verification import verify
from tests.service.books import Books

LOGS = [journal_entries, journal_postings, seals, audit_log]
pytestmark = [pytest.mark.books, pytest.mark.together]


def chain(books: Books) -> list[Seal]:
    with books.api.farthing.database.read() as connection:
        return [one for page in SealStore(connection).pages(LOG, books.api.organization, 100) for one in page]


def entry_ids(books: Books) -> list[str]:
    mine = journal_entries.c.organization == books.api.organization
    with books.api.farthing.database.read() as connection:
        query = select(journal_entries.c.id).where(mine).order_by(journal_entries.c.id)
        return list(connection.execute(query).scalars())


def seal(books: Books) -> int:
    return books.api.farthing[Sealing].seal_all()


def pay(books: Books, invoice: dict[str, Any]) -> None:
    body = {"invoice": invoice["id"], "amount": "1.00", "currency": "USD", "method": "wire"}
    books.api.farthing_client().made("/v1/payments", body)


def chain_holds(books: Books) -> bool:
    return all(one.holds for one in verify(books.api.farthing, [books.api.organization]))


def test_what_is_written_is_sealed_once(books: Books) -> None:
    books.customer()
    pay(books, books.one_off("100"))
    assert chain(books) == []
    seal(books)
    assert [(one.number, one.record) for one in chain(books)] == list(enumerate(entry_ids(books), start=1))
    seal(books)
    assert len(chain(books)) == 2
    assert chain_holds(books)


@contextmanager
def late_writer(books: Books) -> Iterator[threading.Event]:
    """A transaction that has written its entry, and waits to commit until told."""
    written, go_on = threading.Event(), threading.Event()
    invoice = books.one_off("100")

    def write() -> None:
        with books.api.farthing.database.write():
            pay(books, invoice)
            written.set()
            assert go_on.wait(20)

    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(write)
        assert written.wait(20)
        yield go_on
        go_on.set()
        writing.result()


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"], indirect=True, scope="session")
def test_what_commits_late_is_not_skipped_and_nobody_waits_for_it(books: Books) -> None:
    """Its id is older than all that is sealed meanwhile; on SQLite writers are one at a time anyway."""
    books.customer()
    invoice = books.one_off("100")
    with late_writer(books) as go_on:
        pay(books, invoice)  # while the other is open
        seal(books)
        before = [one.record for one in chain(books)]
        assert len(before) == 3  # two invoices and the payment, but not what is not committed
        go_on.set()
    seal(books)
    [late] = [one.record for one in chain(books)][3:]
    assert [one.record for one in chain(books)][:3] == before
    assert late < max(before)
    assert sorted([*before, late]) == entry_ids(books)
    assert chain_holds(books)


def test_many_writers_and_two_followers(books: Books) -> None:
    """Every entry is in the chain once, in one line, whoever wrote and sealed at the same time."""
    books.customer()
    invoices = [books.one_off("100") for _ in range(4)]
    done = threading.Event()

    def follow(_: int) -> None:
        while not done.is_set():
            seal(books)

    with ThreadPoolExecutor(6) as threads:
        following = [threads.submit(follow, number) for number in range(2)]
        try:
            list(threads.map(lambda number: pay(books, invoices[number % 4]), range(24)))
        finally:
            done.set()
        for one in following:
            one.result()
    seal(books)
    found = chain(books)
    assert [one.number for one in found] == list(range(1, 29))
    assert sorted(one.record for one in found) == entry_ids(books)
    with books.api.farthing.database.read() as connection:
        waiting = connection.execute(select(unsealed).where(unsealed.c.organization == books.api.organization)).all()
    assert waiting == []
    assert chain_holds(books)


@pytest.mark.parametrize("table", LOGS, ids=lambda table: str(table.name))
@pytest.mark.parametrize("change", [update, delete])
def test_the_database_refuses_to_alter_a_log(books: Books, table: Table, change: Any) -> None:
    """Whoever asks: there is no use case that does."""
    books.customer()
    books.one_off("100")
    seal(books)
    statement = change(table).where(table.c.organization == books.api.organization)
    if change is update:
        statement = statement.values(organization="org_other")
    with pytest.raises(DatabaseError, match="append only"), books.api.farthing.database.write() as connection:
        connection.execute(statement)
    assert chain_holds(books)
