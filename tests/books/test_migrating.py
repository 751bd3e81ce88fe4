"""An empty server becomes a store once, whoever starts first, and lets go of it afterwards."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import text

from farthing.app import open_farthing, web_application
from farthing.kernel.clock import instant_from
from farthing.kernel.columns import stored_instant
from farthing.kernel.migrate import configuration, migrate, newest_version, schema_version
from farthing.kernel.opening import open_database
from farthing.kernel.settings import load_settings
from farthing.verification import verify
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


def test_events_from_before_they_had_places_are_the_same_events(
    engine: str, servers: Servers, clock: TestClock, tmp_path: Path
) -> None:
    """Those stored under an index of their names are told from repeats as before, and one that was voided stays so."""
    from alembic import command

    settings = load_settings({}, home=str(tmp_path), log_level="error", database_url=needs(engine, servers))
    farthing = open_farthing(settings, clock)
    api = api_of(farthing, web_application(farthing).test_client(), clock)
    books = Books(api)
    books.customer()
    with farthing.database.write() as connection:
        command.downgrade(configuration(connection), "0026_credited_days")
        bound = text("SELECT ref, bound_seq FROM event_subjects WHERE subject = 'acme'")
        [(ref, seq)] = connection.execute(bound).all()
        at = stored_instant(instant_from("2026-11-01T00:00:00Z"))
        event = text(
            "INSERT INTO events VALUES (:organization, :seq, :kind, '', :id, 'api.request', :ref, :at, :at + 5, :data, "
            "NULL, :voids)"
        )
        rows = [("1", '{"quantity":"1.50"}', None), ("2", "{}", None), ("2", None, seq + 2)]
        for number, (id, data, voids) in enumerate(rows, start=seq + 1):
            connection.execute(event, {
                "organization": api.organization, "seq": number, "kind": "void" if voids else "event", "id": id,
                "ref": ref, "at": at, "data": data, "voids": voids,
            })
        connection.execute(text("UPDATE event_streams SET last_seq = last_seq + 3"))
        command.upgrade(configuration(connection), "head")
    assert [(one["id"], one["voided"]) for one in api.every("/v1/events")] == [("1", False), ("2", True)]
    sent = {"id": "1", "type": "api.request", "subject": "acme", "time": "2026-11-01T00:00:00Z"}
    again = api.made("/v1/events", [sent | {"data": {"quantity": 1.5}}, sent | {"data": {"quantity": 2}}])
    assert (again["accepted"], again["duplicates"], again["conflicts"]) == (0, 1, 1)
    assert all(one.holds for one in verify(farthing, [api.organization]))
    farthing.close()


def test_blanks_at_the_end_tell_texts_apart_on_every_engine(
    engine: str, servers: Servers, clock: TestClock, tmp_path: Path
) -> None:
    """Also in a store that was made before they did."""
    from alembic import command

    settings = load_settings({}, home=str(tmp_path), log_level="error", database_url=needs(engine, servers))
    farthing = open_farthing(settings, clock)
    books = Books(api_of(farthing, web_application(farthing).test_client(), clock))
    books.customer()
    first = books.one_off("10.00")
    with farthing.database.write() as connection:
        command.downgrade(configuration(connection), "0030_imports")
        command.upgrade(configuration(connection), "head")
    for reference in ("r1", "r1 ", "R1"):
        books.api.made("/v1/payments", {
            "invoice": first["id"], "amount": "1.00", "currency": "USD", "method": "wire", "reference": reference,
        })
    assert len(books.api.every("/v1/payments")) == 3
    for id in ("e1", "e1 ", "E1"):
        books.use(id, "2026-11-01T00:00:00Z")
    assert [books.api.get(f"/v1/customers/{key}").status_code for key in ("acme", "acme%20", "ACME")] == [200, 404, 404]
    assert all(one.holds for one in verify(farthing, [books.api.organization]))
    farthing.close()


def test_usage_put_together_before_there_were_days_is_the_same_usage(
    engine: str, servers: Servers, clock: TestClock, tmp_path: Path
) -> None:
    """Also what no 64-bit number holds; and what comes later is added to it."""
    from alembic import command

    settings = load_settings({}, home=str(tmp_path), log_level="error", database_url=needs(engine, servers))
    farthing = open_farthing(settings, clock)
    books = Books(api_of(farthing, web_application(farthing).test_client(), clock))
    books.customer()
    books.meter("calls")
    quantities = ["0.5", "-3", "1e20", "0.0000000000001", "7", "12345678901234567890.123456789012"]
    for number, quantity in enumerate(quantities):
        books.use(f"e{number}", f"2026-11-{1 + number // 4:02}T0{number}:20:00Z", quantity=quantity)
    asked = "/v1/usage?customer=acme&meter=calls&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z&window="
    before = [books.api.get(asked + window).get_json()["data"] for window in ("none", "day", "hour")]
    for step, to in ((command.downgrade, "0031_no_padding"), (command.upgrade, "head")):
        with farthing.database.write() as connection:
            step(configuration(connection), to)
    assert [books.api.get(asked + window).get_json()["data"] for window in ("none", "day", "hour")] == before
    assert all(one.holds for one in verify(farthing, [books.api.organization]))
    books.use("later", "2026-11-01T00:21:00Z", quantity="1")
    [after] = books.api.get(asked + "none").get_json()["data"]
    assert Fraction(after["value"]) == sum(map(Fraction, quantities)) + 1
    assert all(one.holds for one in verify(farthing, [books.api.organization]))
    farthing.close()
