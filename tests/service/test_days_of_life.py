"""Each day of a subscription's life is charged once, net of all that was given back, whatever happened to it."""

from fractions import Fraction
from typing import Any

import pytest

from farthing.app import Farthing
from tests.oracle import sound_books
from tests.service.books import BASE, Books

pytestmark = [pytest.mark.books]
YEARLY: dict[str, Any] = BASE | {"amount": "365.00"}  # one a day


def life_of(books: Books) -> None:
    books.plan(YEARLY, interval="year")
    books.plan(BASE | {"amount": "730.00"}, key="big", interval="year")
    books.customer()
    books.subscribe(key="main", starts_at="2026-01-01T00:00:00Z")
    books.billed("2026-11-20T12:00:00Z")


def say(books: Books, verb: str, at: str, **body: Any) -> None:
    books.api.made(f"/v1/subscriptions/main/{verb}", {"at": at} | body)


def charged(books: Books) -> Fraction:
    """What its invoices charge, less what credit notes gave back."""
    invoices = [one for one in books.invoices() if one["status"] != "void"]
    notes = books.api.every("/v1/credit-notes")
    return sum((Fraction(one["total"]) for one in invoices), Fraction(0)) - sum(
        (Fraction(note["total"]) for note in notes), Fraction(0)
    )


def at_the_end(books: Books, farthing: Farthing) -> Fraction:
    books.api.clock.to("2027-01-01T12:00:00Z")
    books.run("2027-01-01T12:00:00Z")
    sound_books(farthing, books.api.organization)
    return charged(books)


@pytest.mark.together
def test_an_end_gives_back_the_days_after_it(books: Books, farthing: Farthing) -> None:
    """Rules 13 and 14: of 365 days 30 are left, and a credit note gives them back."""
    life_of(books)
    say(books, "cancel", "2026-12-02T00:00:00Z")
    assert at_the_end(books, farthing) == 335


@pytest.mark.together
def test_paused_twice_in_a_year(books: Books, farthing: Farthing) -> None:
    """Rule 15 (T20): five days and seven, and then the end."""
    life_of(books)
    for pause, resume in (("11-20", "11-25"), ("12-03", "12-10")):
        books.api.clock.to(f"2026-{pause}T18:00:00Z")
        say(books, "pause", "now")  # from the next midnight on
        say(books, "resume", "now")  # which undoes it
        say(books, "pause", f"2026-{pause}T00:00:00Z")
        books.api.clock.to(f"2026-{resume}T18:00:00Z")
        say(books, "resume", "now")  # from the midnight before
    say(books, "cancel", "2026-12-31T00:00:00Z")
    assert at_the_end(books, farthing) == 364 - 5 - 7


@pytest.mark.together
def test_up_and_down_by_invoices_of_their_own(books: Books, farthing: Farthing) -> None:
    """Rule 14 (T20): ten days at twice the price cost ten more; five changes of one moment cost nothing."""
    life_of(books)
    say(books, "change", "2026-11-25T00:00:00Z", plan="big", invoice="now")
    say(books, "change", "2026-12-05T00:00:00Z", plan="pro", invoice="now")
    for plan in ("big", "pro", "big", "pro"):
        say(books, "change", "2026-12-20T00:00:00Z", plan=plan, invoice="next")
    say(books, "cancel", "2026-12-31T00:00:00Z")
    assert at_the_end(books, farthing) == 364 + 10


@pytest.mark.together
def test_an_invoice_of_its_own_sees_what_the_same_run_billed_before(books: Books, farthing: Farthing) -> None:
    """Days that changed before a boundary are given back by its invoice, and not again by a later one (I4)."""
    books.api.clock.to("2026-02-26T12:00:00Z")
    books.plan(BASE | {"amount": "28.00"})
    books.plan(BASE | {"amount": "56.00"}, key="big")
    books.customer()
    books.subscribe(key="main", starts_at="2026-02-01T00:00:00Z")
    books.run("2026-02-26T12:00:00Z")
    say(books, "change", "2026-02-20T00:00:00Z", plan="big", invoice="next")
    say(books, "change", "2026-03-06T00:00:00Z", plan="pro", invoice="now")
    tried = books.run("2026-03-11T00:00:00Z", dry_run=True)
    assert tried["progress"] == {"done": 2, "total": 2}
    books.api.clock.to("2026-03-11T00:00:00Z")
    run = books.run("2026-03-11T00:00:00Z")
    sound_books(farthing, books.api.organization)
    assert run["parked"] == []
    assert charged(books) == 28 + 9 + rounded_cents(56, 5) + rounded_cents(28, 26)


@pytest.mark.together
def test_an_invoice_billed_anew_leaves_the_days_that_a_later_one_charges(books: Books, farthing: Farthing) -> None:
    """Days that a resumption brought back, on an invoice of their own (rules 15 and 20)."""
    books.api.clock.to("2026-01-20T12:00:00Z")
    books.plan(BASE | {"amount": "90.00"}, interval="quarter")  # one a day
    books.plan(BASE | {"amount": "180.00"}, key="big", interval="quarter")
    books.customer()
    books.subscribe(key="main", starts_at="2026-01-01T00:00:00Z")
    say(books, "pause", "2026-01-23T00:00:00Z")
    [first] = books.billed("2026-01-20T12:00:00Z")
    say(books, "resume", "2026-03-03T00:00:00Z")
    say(books, "change", "2026-03-29T00:00:00Z", plan="big", invoice="now")
    books.api.clock.to("2026-03-30T00:00:00Z")
    books.run("2026-03-30T00:00:00Z")
    assert charged(books) == 22 + 26 + 3 * 2
    books.post(first, "void", {"rebill": True})
    assert books.run("2026-03-30T00:00:00Z")["parked"] == []
    sound_books(farthing, books.api.organization)
    assert charged(books) == 22 + 26 + 3 * 2


@pytest.mark.together
def test_a_dry_run_ends_where_one_invoice_waits_for_another(books: Books) -> None:
    """A real run looks again at the boundary once the invoice of its own is made; a dry one has nothing to look at."""
    life_of(books)
    say(books, "change", "2026-12-05T00:00:00Z", plan="big", invoice="now")
    assert books.run("2027-02-15T00:00:00Z", dry_run=True)["progress"] == {"done": 2, "total": 2}


def rounded_cents(amount: int, days: int) -> Fraction:
    """What some days of a March come to."""
    return Fraction(round(Fraction(amount * days * 100, 31)), 100)


@pytest.mark.together
def test_ended_and_begun_again_at_the_border(books: Books, farthing: Farthing) -> None:
    """Rule 13 (T20): the day of the border is the second one's."""
    life_of(books)
    say(books, "cancel", "2026-12-02T00:00:00Z")
    books.subscribe(key="again", starts_at="2026-12-02T00:00:00Z", ends_at="2027-01-01T00:00:00Z")
    assert at_the_end(books, farthing) == 365


@pytest.mark.together
def test_what_ends_where_it_began_gives_back_what_was_billed(books: Books, farthing: Farthing) -> None:
    """Once; an end at a closed boundary is billed, and not withdrawn (rules 13 and 14)."""
    books.api.clock.to("2026-01-01T12:00:00Z")
    books.plan(BASE)
    books.customer()
    books.subscribe(key="main", starts_at="2026-01-01T00:00:00Z")
    books.run("2026-01-01T12:00:00Z")
    say(books, "cancel", "2026-01-01T00:00:00Z")
    for _ in range(2):
        assert books.run("2026-01-01T12:00:00Z")["parked"] == []
        assert [note["total"] for note in books.api.every("/v1/credit-notes")] == ["10.00"]
    assert charged(books) == 0
    sound_books(farthing, books.api.organization)
    assert books.api.post("/v1/subscriptions/main/uncancel").status_code == 409
    books.api.clock.to("2026-02-01T12:00:00Z")
    assert books.run("2026-02-01T12:00:00Z")["parked"] == []
    assert charged(books) == 0
    sound_books(farthing, books.api.organization)


@pytest.mark.together
def test_a_change_gives_back_the_days_behind_a_pause_that_was_known(books: Books, farthing: Farthing) -> None:
    """Where its own fee charges them too (rules 14 and 15)."""
    books.api.clock.to("2026-02-01T12:00:00Z")
    books.plan(YEARLY, key="yearly", interval="year")
    books.plan(BASE)
    books.customer()
    books.subscribe(key="main", starts_at="2026-02-01T00:00:00Z", anchor="anniversary")
    say(books, "pause", "2026-02-13T00:00:00Z")
    say(books, "resume", "2026-02-17T00:00:00Z")
    books.run("2026-02-01T12:00:00Z")
    books.api.clock.to("2026-02-20T12:00:00Z")
    say(books, "change", "2026-02-10T00:00:00Z", plan="yearly", invoice="next")
    assert books.run("2026-02-20T12:00:00Z")["parked"] == []
    told = {
        (line["reason"], line["period"]["from"][:10], line["period"]["to"][:10]): line["amount"]
        for one in books.invoices() for line in one["lines"]
    }
    assert told == {
        ("fee", "2026-02-01", "2026-02-13"): "4.29", ("fee", "2026-02-17", "2026-03-01"): "4.29",
        ("fee", "2026-02-10", "2026-02-13"): "3.00", ("fee", "2026-02-17", "2027-02-10"): "358.00",
        ("proration", "2026-02-10", "2026-02-13"): "-1.07", ("proration", "2026-02-17", "2026-03-01"): "-4.29",
    }
    sound_books(farthing, books.api.organization)
