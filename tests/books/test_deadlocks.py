"""Transactions that stand in a circle: the database stops one of them, and its work is done again."""

from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import Connection, select, update

from farthing.customers.models import customers
from farthing.kernel.database import again_if_stopped
from tests.books.test_races import at_once
from tests.service.books import Books

pytestmark = pytest.mark.books
KEYS = ("one", "two")


def renamed(connection: Connection, organization: str, key: str) -> None:
    mine = (customers.c.organization == organization) & (customers.c.key == key)
    name = connection.execute(select(customers.c.name).where(mine).with_for_update()).scalar_one()
    connection.execute(update(customers).where(mine).values(name=f"{name}+"))


def test_whoever_gives_way_does_it_again(books: Books) -> None:
    """Each holds what the other wants next; both are done in the end, and each once."""
    if not hasattr(books.api.farthing, "database"):
        pytest.skip("the same database as on its own engine")
    database, organization = books.api.farthing.database, books.api.organization
    if database.lock is not None:
        pytest.skip("SQLite has one writer at a time, so that none can stand in a circle")
    for key in KEYS:
        books.customer(key, name="Ada")
    met, tries = Barrier(2), []

    def work(place: int) -> None:
        tries.append(place)
        with database.write() as connection:
            renamed(connection, organization, KEYS[place])
            if len(tries) <= 2:
                met.wait(20)
            renamed(connection, organization, KEYS[1 - place])

    at_once(2, lambda place: again_if_stopped(partial(work, place)))
    assert len(tries) > 2
    assert [books.api.get(f"/v1/customers/{key}").json["name"] for key in KEYS] == ["Ada++", "Ada++"]  # type: ignore[index]  # of this answer
