"""`farthing verify`: what holds in a sound store, and each thing that somebody breaks by hand named, with its row."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, update

from farthing.billing.invoices.models import invoice_lines, invoices, number_series
from farthing.billing.journal.models import journal_entries, journal_postings, journal_releases
from farthing.customers.models import customers
from farthing.kernel.append_only import protect, unprotect
from farthing.kernel.audit.models import audit_log
from farthing.kernel.clock import instant_from
from farthing.kernel.sealing import Sealing
from farthing.kernel.sealing.models import chains, seals, unsealed
from farthing.usage.events.models import events
from farthing.usage.events.store import after_in
from farthing.usage.quantities.models import usage_days, usage_points, usage_quarter_hours
from farthing.usage.quantities.units import ONE
from farthing.verification import CHECKS, Verified, verify
from tests.service.books import BASE, CALLS, Books

pytestmark = [pytest.mark.books, pytest.mark.together]

NAMES = [check.name for check in CHECKS]
Break = Callable[[Connection, str], Any]  # what somebody does to an organisation's rows
BREAKS: list[tuple[str, str, str, Break]] = []  # the check, what it names, its words, and the deed


@pytest.fixture
def company(books: Books) -> Books:
    """Usage with a void, two months billed, a payment, an invoice written by hand, and everything sealed."""
    books.customer_on(BASE, CALLS, starts_at="2026-10-01T00:00:00Z")
    for number in range(4):
        books.use(f"u{number}", f"2026-10-0{number + 1}T12:00:00Z", "7", region="eu")
    books.void_event("u3")
    books.run("2026-11-20T00:00:00Z")
    invoice = books.one_off("100")
    books.api.made("/v1/payments", {"invoice": invoice["id"], "amount": "40.00", "currency": "USD", "method": "wire"})
    books.api.farthing[Sealing].seal_all()
    return books


def found(books: Books) -> dict[str, Verified]:
    return {one.check.name: one for one in verify(books.api.farthing, [books.api.organization])}


def test_a_sound_store_passes_every_check(company: Books) -> None:
    results = found(company)
    assert list(results) == NAMES
    assert all(one.holds for one in results.values()), results


@contextmanager
def by_hand(books: Books, *tables: Table) -> Iterator[Connection]:
    """The store in the hands of somebody who may drop triggers; they stand again afterwards."""
    kept = [table.name for table in tables]
    with books.api.farthing.database.write() as connection:
        for name in kept:
            unprotect(connection, name)
        yield connection
        for name in kept:
            protect(connection, name)


def breaks(check: str, row: str, words: str) -> Callable[[Break], Break]:
    """`row` is a part of what the check must name, `words` of what it says."""
    def add(deed: Break) -> Break:
        BREAKS.append((check, row, words, deed))
        return deed

    return add


def of(table: Table, organization: str) -> ColumnElement[bool]:
    return table.c.organization == organization


def first(connection: Connection, table: Table, organization: str, order: str = "id") -> Any:
    """The first row of an organisation."""
    query = select(table).where(of(table, organization)).order_by(table.c[order]).limit(1)
    return connection.execute(query).one()


def places(connection: Connection, organization: str) -> list[int]:
    """Of an organisation's events that are no voids."""
    mine = after_in(organization, 0)
    query = select(events.c.place).where(*mine, events.c.voids.is_(None)).order_by(events.c.place)
    return list(connection.execute(query).scalars())


@breaks("I1", "events", "were acknowledged and 4 are there")
def an_event_is_deleted(connection: Connection, organization: str) -> None:
    connection.execute(delete(events).where(events.c.place == places(connection, organization)[1]))


@breaks("I1", "event", "says something else than what was sent")
def an_event_is_altered(connection: Connection, organization: str) -> None:
    mine = events.c.place == places(connection, organization)[0]
    connection.execute(update(events).where(mine).values(data='{"quantity":"70","region":"eu"}'))


@breaks("I1", "event", "has another name than the one it was acknowledged under")
def an_event_is_renamed(connection: Connection, organization: str) -> None:
    connection.execute(update(events).where(events.c.place == places(connection, organization)[0]).values(id="forged"))


@breaks("I1", "event", "lies beyond the end of the stream")
def an_event_is_forged(connection: Connection, organization: str) -> None:
    mine = events.c.place == places(connection, organization)[-1]
    row = connection.execute(select(events).where(mine)).one()._asdict()
    connection.execute(insert(events).values(row | {"place": row["place"] + 1000, "id": "forged"}))


@breaks("I1", "event", "is there 2 times")
def an_event_is_doubled(connection: Connection, organization: str) -> None:
    first, *_, last = places(connection, organization)
    row = connection.execute(select(events).where(events.c.place == first)).one()._asdict()
    connection.execute(delete(events).where(events.c.place == last))
    connection.execute(insert(events).values(row | {"place": last}))


@breaks("I2", "event", "counts 9, its event says 7")
def a_point_is_altered(connection: Connection, organization: str) -> None:
    seq = first(connection, usage_points, organization, "seq").seq
    mine = of(usage_points, organization) & (usage_points.c.seq == seq)
    connection.execute(update(usage_points).where(mine).values(value="9"))


@breaks("I2", "points", "3 events are counted, 4 should be")
def a_point_is_deleted(connection: Connection, organization: str) -> None:
    seq = first(connection, usage_points, organization, "seq").seq
    connection.execute(delete(usage_points).where(of(usage_points, organization), usage_points.c.seq == seq))


@breaks("I2", "event", "another subject, time, property or void")
def a_void_is_undone(connection: Connection, organization: str) -> None:
    connection.execute(update(usage_points).where(of(usage_points, organization)).values(voided_seq=None))


@breaks("I2", "subject", "a quarter hour is not the sum of its events")
def a_rollup_is_altered(connection: Connection, organization: str) -> None:
    mine = of(usage_quarter_hours, organization)
    connection.execute(update(usage_quarter_hours).where(mine).values(total=8 * ONE))


@breaks("I2", "subject", "a day is not the sum of its events")
def a_day_is_altered(connection: Connection, organization: str) -> None:
    connection.execute(update(usage_days).where(of(usage_days, organization)).values(greatest=8 * ONE))


@breaks("I2", "subject", "a quarter hour has something and no events")
def a_rollup_is_forged(connection: Connection, organization: str) -> None:
    row = first(connection, usage_quarter_hours, organization, "slot")._asdict()
    connection.execute(insert(usage_quarter_hours).values(row | {"slot": instant_from("2026-12-01T00:00:00Z")}))


@breaks("I4", "lin_forged", "bills time from 2026-10-15T00:00:00+00:00 on that line")
def a_fee_is_billed_twice(connection: Connection, organization: str) -> None:
    mine = of(invoice_lines, organization) & (invoice_lines.c.reason == "fee")
    fee = connection.execute(select(invoice_lines).where(mine).order_by(invoice_lines.c.period_from)).first()
    assert fee is not None
    start = instant_from("2026-10-15T00:00:00Z")
    row = fee._asdict() | {"id": f"lin_forged_{organization[-20:]}", "period_from": start, "billed_as": None}
    connection.execute(insert(invoice_lines).values(row))


@breaks("I5", "INV-2026-000001", "is not the sum of the lines")
def a_line_is_altered(connection: Connection, organization: str) -> None:
    line = first(connection, invoice_lines, organization).id
    connection.execute(update(invoice_lines).where(invoice_lines.c.id == line).values(amount=1))


@breaks("I5", "INV-2026-000003", "is not the sum of the payments")
def a_payment_is_invented(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000003")
    connection.execute(update(invoices).where(mine).values(amount_paid=5000, amount_due=5000))


@breaks("I6", "INV-2026-000003", "the journal has 60.00 USD in receivables for it, it should be 50.00")
def what_is_due_is_altered(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000003")
    connection.execute(update(invoices).where(mine).values(amount_paid=5000, amount_due=5000))


@breaks("I6", "jrn_", "has no postings")
def an_entry_loses_its_postings(connection: Connection, organization: str) -> None:
    entry = first(connection, journal_entries, organization).id
    connection.execute(delete(journal_postings).where(journal_postings.c.entry == entry))


@breaks("I6", "INV-2026-000002", "in deferred_revenue for it, it should be")
def a_release_is_forgotten(connection: Connection, organization: str) -> None:
    connection.execute(delete(journal_releases).where(of(journal_releases, organization)))


@breaks("I7", "INV-2026-000007", "comes where INV-2026-000003 should: a gap or a repeat")
def a_number_is_left_out(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000003")
    connection.execute(update(invoices).where(mine).values(number="INV-2026-000007"))


@breaks("I7", "INV-2026-000003", "was issued before the number that it follows")
def a_time_of_issue_is_altered(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000003")
    connection.execute(update(invoices).where(mine).values(issued_at=instant_from("2026-01-01T00:00:00Z")))


@breaks("I7", "INV-2026", "the counter is at 9, the last number is 3")
def a_counter_is_altered(connection: Connection, organization: str) -> None:
    mine = of(number_series, organization) & (number_series.c.year == 2026)
    connection.execute(update(number_series).where(mine).values(last=9))


@breaks("I8", "INV-2026-000002", "for 2.10")
def usage_is_taken_out_of_an_invoice(connection: Connection, organization: str) -> None:
    mine = of(invoice_lines, organization) & (invoice_lines.c.reason == "usage")
    connection.execute(update(invoice_lines).where(mine).values(amount=1, quantity="0.1"))


@breaks("I12", "inv_", "which is not there")
def an_invoice_names_nobody(connection: Connection, organization: str) -> None:
    invoice = first(connection, invoices, organization).id
    connection.execute(update(invoices).where(invoices.c.id == invoice).values(customer="cus_nobody"))


@breaks("I12", "inv_", "which is org_other's")
def a_customer_is_moved_to_another(connection: Connection, organization: str) -> None:
    row = first(connection, customers, organization)._asdict()
    connection.execute(insert(customers).values(row | {"id": f"x{row['id'][1:]}", "organization": "org_other"}))
    invoice = first(connection, invoices, organization).id
    connection.execute(update(invoices).where(invoices.c.id == invoice).values(customer=f"x{row['id'][1:]}"))


@breaks("chain", "jrn_", "is not what was sealed into the journal as number 1")
def an_amount_is_altered(connection: Connection, organization: str) -> None:
    entry = first(connection, journal_entries, organization).id
    connection.execute(update(journal_postings).where(journal_postings.c.entry == entry).values(amount=1))


@breaks("chain", "jrn_", "is in the journal and was never sealed, nor waits to be")
def an_entry_is_slipped_in(connection: Connection, organization: str) -> None:
    row = first(connection, journal_entries, organization)._asdict()
    connection.execute(insert(journal_entries).values(row | {"id": f"jrn_x{row['id'][5:]}", "source": "forged"}))


@breaks("chain", "journal", "the chain ends at 3, it was sealed up to 4")
def the_end_is_cut_off(connection: Connection, organization: str) -> None:
    connection.execute(delete(seals).where(of(seals, organization), seals.c.log == "journal", seals.c.number == 4))


@breaks("chain", "jrn_", "seal 2 of the journal is missing before it")
def a_seal_is_taken_out(connection: Connection, organization: str) -> None:
    connection.execute(delete(seals).where(of(seals, organization), seals.c.log == "journal", seals.c.number == 2))


@breaks("chain", "aud_", "is not what was sealed into the audit as number 1")
def who_did_it_is_altered(connection: Connection, organization: str) -> None:
    change = first(connection, audit_log, organization).id
    connection.execute(update(audit_log).where(audit_log.c.id == change).values(actor="key_somebody_else"))


@pytest.mark.parametrize(("check", "row", "words", "deed"), BREAKS, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_broken_by_hand_is_named(company: Books, check: str, row: str, words: str, deed: Break) -> None:
    """F26: a row edited by hand is detected and named, by the check that is for it."""
    with by_hand(company, journal_entries, journal_postings, seals, audit_log) as connection:
        deed(connection, company.api.organization)
    result = found(company)[check]
    assert any(row in one.row and words in one.problem for one in result.broken), result.broken
    assert {one.organization for one in result.broken} == {company.api.organization}


def test_every_check_has_a_test_that_breaks_it() -> None:
    assert {check for check, *_ in BREAKS} == set(NAMES)


def test_late_usage_that_was_charged_wrongly_is_named(company: Books) -> None:
    """With the subscription, the period and what its lines lack (rule 18)."""
    company.use("late", "2026-10-03T12:00:00Z", "7")
    company.api.clock.to("2026-12-02T00:00:00Z")
    company.run("2026-12-02T00:00:00Z")
    assert found(company)["I8"].holds
    late = of(invoice_lines, company.api.organization) & (invoice_lines.c.reason == "late_usage")
    with company.api.farthing.database.write() as connection:
        connection.execute(update(invoice_lines).where(late).values(entered=30, amount=30))
    [broken] = found(company)["I8"].broken
    assert broken.problem == "calls of the period from 2026-10-01T00:00:00+00:00 lacks 0.40"
    company.api.clock.to("2026-11-20T12:00:00Z")


def test_what_is_not_sealed_yet_is_not_wrong(company: Books) -> None:
    company.one_off("1")
    with company.api.farthing.database.read() as connection:
        mine = of(unsealed, company.api.organization) & (unsealed.c.log == "journal")
        waiting = connection.execute(select(unsealed).where(mine)).all()
        mine = of(chains, company.api.organization) & (chains.c.log == "journal")
        end = connection.execute(select(chains.c.number).where(mine)).scalar_one()
    assert (len(waiting), end) == (1, 4)
    assert found(company)["chain"].holds


def test_the_command_tells_and_fails(tmp_path: Path) -> None:
    """Exit status 0 and how many hold; 1, and the row, once one does not."""

    def run(*options: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "farthing", "verify", "--home", str(tmp_path), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    made = run()
    assert (made.returncode, made.stdout.splitlines()[-1]) == (0, f"{len(CHECKS)} of {len(CHECKS)} checks hold.")
    from farthing.app import open_farthing
    from farthing.kernel.settings import load_settings

    farthing = open_farthing(load_settings({}, home=str(tmp_path)))
    with farthing.database.write() as connection:
        connection.execute(insert(number_series).values(
            organization="org_1", series="INV", year=2026, last=1, issued_at=instant_from("2026-01-01T00:00:00Z")
        ))
        row = {"id": "inv_1", "organization": "org_1", "status": "draft", "customer": "cus_1"}
        none = dict.fromkeys(
            ("subtotal", "discount_total", "tax_total", "total", "credit_applied", "amount_paid", "amount_due"), 0
        )
        at = instant_from("2026-01-01T00:00:00Z")
        connection.execute(insert(invoices).values(
            **row, **none, buyer={}, seller={}, currency="USD", payment_terms_days=0, version=1, created_at=at,
            updated_at=at,
        ))
    farthing.close()
    broken = run()
    assert broken.returncode == 1
    assert "WRONG I7" in broken.stdout
    assert "INV-2026 of org_1: the counter is at 1, the last number is 0" in broken.stdout
    told = json.loads(run("--json").stdout)
    assert [one["check"] for one in told if not one["holds"]] == ["I7", "I12"]
