"""Moving the customer book between stores."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from farthing.customers import copying
from farthing.customers.copying import Copied, copy_book
from farthing.customers.places import CustomerPlace, customer_place
from farthing.customers.stores import Copy, CustomerStore
from farthing.customers.values import Search
from farthing.kernel.ids import new_id
from farthing.kernel.migrate import migrate
from farthing.kernel.opening import open_database
from tests.servers import Servers, needs
from tests.service.test_customer_store import NOON, add, customer, following, reading, save

ENGINES = [("sqlite", "mongodb"), ("mongodb", "postgresql"), ("mongodb", "mongodb")]


class Killed(BaseException):
    """What ends a copy half-way."""


@pytest.fixture(params=ENGINES, ids=["-".join(pair) for pair in ENGINES])
def places(
    request: pytest.FixtureRequest, servers: Servers, tmp_path: Path
) -> Iterator[tuple[CustomerStore, CustomerStore]]:
    """Two empty stores."""
    with ExitStack() as opened:
        source, target = (
            opened.enter_context(place(engine, servers, tmp_path / f"{number}"))
            for number, engine in enumerate(request.param)
        )
        yield source.store, target.store


@contextmanager
def place(engine: str, servers: Servers, home: Path) -> Iterator[CustomerPlace]:
    url = needs(engine, servers)
    database = open_database("" if engine == "mongodb" else url, home)
    migrate(database)
    opened = customer_place(url if engine == "mongodb" else "", database)
    yield opened
    opened.close()
    database.engine.dispose()


def everything(store: CustomerStore) -> list[Copy]:
    counts = reading(store, lambda rows: rows.counts())
    return [one for org in sorted(counts) for one in reading(store, lambda rows, org=org: rows.copies(org, "", 999))]  # type: ignore[misc]  # a default binds it now


def copied(source: CustomerStore, target: CustomerStore) -> Copied:
    return copy_book(source, target, lambda seen, total: None, lambda: None)


def filled(store: CustomerStore, organizations: int = 2, each: int = 7) -> list[str]:
    found = sorted(new_id("org", NOON) for _ in range(organizations))
    for organization in found:
        for n in range(each):
            add(store, customer(organization, key=f"k{n}", email=f"e{n}@a.example", metadata={"n": n, "a.$b": 10**30}))
        add(store, customer(organization, email="e0@a.example"), unique_email=False)
    return found


def test_all_of_every_organisation_arrives(places: tuple[CustomerStore, CustomerStore]) -> None:
    source, target = places
    organizations = filled(source)
    result = copied(source, target)
    assert (result.added, result.replaced, result.left, result.complete) == (16, 0, 0, True)
    assert result.counts == dict.fromkeys(organizations, (8, 8))
    assert everything(target) == everything(source)
    again = copied(source, target)
    assert (again.added, again.replaced, again.left, again.complete) == (0, 0, 16, True)


def test_a_copy_that_was_killed_goes_on(
    places: tuple[CustomerStore, CustomerStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was copied stays and is not copied again; what was in the page under way is in whole or not at all."""
    source, target = places
    filled(source, organizations=1)
    monkeypatch.setattr(copying, "PAGE", 3)

    def die(seen: int, total: int) -> None:
        assert total == 8
        if seen == 6:
            raise Killed

    with pytest.raises(Killed):
        copy_book(source, target, die, lambda: None)
    assert len(everything(target)) == 6
    result = copied(source, target)
    assert (result.added, result.left, result.complete) == (2, 6, True)
    assert everything(target) == everything(source)


def test_newer_versions_replace_older_ones_and_no_others(places: tuple[CustomerStore, CustomerStore]) -> None:
    source, target = places
    organization = filled(source, 1, 2)[0]
    copied(source, target)
    first, second = (one.customer for one in everything(source)[:2])
    save(source, following(first, name="Newer"))
    save(target, following(second, name="Newer there"))
    result = copied(source, target)
    assert (result.added, result.replaced, result.left, result.complete) == (0, 1, 2, True)
    page = reading(target, lambda rows: rows.page(organization, Search(), "", 2))
    assert [one.name for one in page] == ["Newer", "Newer there"]


def test_keys_that_changed_hands_between_two_copies_follow(places: tuple[CustomerStore, CustomerStore]) -> None:
    """Whoever takes a key may come before the one that gives it up."""
    source, target = places
    filled(source, 1, 3)
    copied(source, target)
    first, _, third = (one.customer for one in everything(source)[:3])
    save(source, following(third, key="free", email=None))
    save(source, following(first, key=third.key, email=third.email))
    result = copied(source, target)
    assert (result.replaced, result.complete) == (2, True)
    assert everything(target) == everything(source)


def test_what_differs_at_the_end_is_told(places: tuple[CustomerStore, CustomerStore]) -> None:
    source, target = places
    organization = filled(source, 1, 1)[0]
    add(target, customer(organization, key="theirs"))
    result = copied(source, target)
    assert (result.complete, result.counts) == (False, {organization: (2, 3)})


def test_a_key_that_another_has_there_is_told(places: tuple[CustomerStore, CustomerStore]) -> None:
    source, target = places
    organization = filled(source, 1, 2)[0]
    taken = everything(source)[0].customer
    add(target, replace(customer(organization), key=taken.key))
    result = copied(source, target)
    assert [id for id, _ in result.refused] == [taken.id]
    assert (result.added, result.complete, result.counts) == (2, False, {organization: (3, 3)})
