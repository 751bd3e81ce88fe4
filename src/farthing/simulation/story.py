"""What happens in the simulated company, and on which day: decided from the seed alone, without input or output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from farthing.kernel.clock import instant_text
from farthing.pricing.calendar import start_of_day

Json = dict[str, Any]  # Any: what one would send to the interface
FIRST_DAY: Final = date(2026, 1, 1)
LATE_DAYS: Final = 75  # at most, that usage arrives after it happened
HOURS_A_DAY: Final = 24
KINDS: Final = ("call", "message", "payment", "compute", "storage", "visit", "machines", "load", "licences")


@dataclass(frozen=True, slots=True)
class Place:
    """Where customers live, and what they pay in."""

    country: str
    region: str | None
    timezone: str
    currency: str


PLACES: Final = (
    Place("US", "NY", "America/New_York", "USD"), Place("DE", None, "Europe/Berlin", "EUR"),
    Place("JP", None, "Asia/Tokyo", "JPY"), Place("KW", None, "Asia/Kuwait", "KWD"),
    Place("US", "CA", "America/Los_Angeles", "USD"), Place("FR", None, "Europe/Paris", "EUR"),
    Place("NZ", None, "Pacific/Auckland", "USD"), Place("BR", None, "America/Sao_Paulo", "USD"),
    Place("IN", None, "Asia/Kolkata", "USD"), Place("CL", None, "America/Santiago", "USD"),
)
CURRENCIES: Final = tuple(sorted({place.currency for place in PLACES}))


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the company.

    joins   the day on which it is first heard of
    events  how many a day, in tenths
    """

    number: int
    place: Place
    joins: date
    events: int

    @property
    def key(self) -> str:
        return f"customer-{self.number:03}"

    @property
    def own(self) -> str:
        """The key of a subscription that counts only the usage that names it."""
        return f"{self.key}-own"

    def body(self, chance: Random) -> Json:
        """The customer as it is sent."""
        address = {"line1": f"{self.number} Main Street", "city": "Town", "country": self.place.country}
        body: Json = {
            "key": self.key, "name": f"Customer {self.number}", "email": f"billing@{self.key}.example",
            "currency": self.place.currency, "timezone": self.place.timezone,
            "address": address | ({"region": self.place.region} if self.place.region else {}),
            "payment_terms_days": chance.choice((0, 14, 30, 60)),
        }
        if chance.randrange(8) == 0:
            treatment, reason = chance.choice((("exempt", "A charity"), ("reverse_charge", "Reverse charge")))
            body |= {"tax_treatment": treatment, "tax_reason": reason}
        return body


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to a customer; `seed` decides all else that there is to be decided about it."""

    kind: str
    who: Person
    seed: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the company.

    moment  when the clock stands still that day
    events  the usage that arrives, as it is sent, some of it once more
    voids   ids of events that turn out to have been wrong
    """

    moment: datetime
    events: tuple[Json, ...]
    voids: tuple[str, ...]
    happenings: tuple[Happening, ...]


def people(seed: int, months: int, customers: int) -> list[Person]:
    """The customers: half of them from the first days on, the others over the first two thirds of the time."""
    chance = Random(f"{seed} people")
    places = list(PLACES)
    chance.shuffle(places)
    days = max(3, months * 30 * 2 // 3)
    return [
        Person(
            number, places[(number - 1) % len(places)],
            FIRST_DAY + timedelta(days=chance.randrange(3 if number % 2 else days)), chance.randrange(2, 15),
        )
        for number in range(1, customers + 1)
    ]


def last_day(months: int) -> date:
    """The first day after the simulated months."""
    year, month = divmod(FIRST_DAY.month - 1 + months, 12)
    return FIRST_DAY.replace(year=FIRST_DAY.year + year, month=month + 1)


def days(seed: int, months: int, everybody: list[Person], rates: Mapping[str, int]) -> Iterator[Day]:
    """Each day in turn.

    rates  how often something happens to a customer, by kind: so many times in a thousand days
    """
    arriving: dict[date, list[Json]] = {}
    wrong: dict[date, list[str]] = {}
    for one in everybody:
        _add_usage(seed, months, one, arriving, wrong)
    chances = {(kind, one.number): Random(f"{seed} {kind} {one.number}") for kind in rates for one in everybody}
    today, end, hours = FIRST_DAY, last_day(months), Random(f"{seed} hours")
    while today < end:
        moment = datetime(today.year, today.month, today.day, hours.randrange(HOURS_A_DAY), tzinfo=UTC)
        happenings = tuple(
            Happening(kind, one, f"{seed} {kind} {one.number} {today}")
            for kind, rate in rates.items() for one in everybody
            if chances[kind, one.number].randrange(1000) < rate and one.joins < today
        )
        yield Day(moment, tuple(arriving.get(today, ())), tuple(wrong.get(today, ())), happenings)
        today += timedelta(days=1)


def _add_usage(
    seed: int, months: int, one: Person, arriving: dict[date, list[Json]], wrong: dict[date, list[str]]
) -> None:
    """A customer's events by the day on which they arrive, and those that are voided later by that day."""
    chance, zone = Random(f"{seed} usage {one.number}"), ZoneInfo(one.place.timezone)
    today, end = one.joins, last_day(months)
    while today < end:
        for number in range(chance.randrange(one.events * 2) // 10 + (chance.randrange(10) < 3)):
            happened = start_of_day(today, zone) + timedelta(seconds=chance.randrange(82_800))
            kind, named = chance.choice(KINDS), one.own if chance.randrange(12) == 0 else one.key
            event: Json = {
                "id": f"{one.number}-{today}-{number}", "type": kind, "subject": named,
                "time": instant_text(happened), "data": _data(chance, kind),
            }
            arrives = today + timedelta(days=2 + _lateness(chance))
            arriving.setdefault(arrives, []).append(event)
            if chance.randrange(20) == 0:  # sent once more, which changes nothing (rule 16)
                arriving.setdefault(arrives + timedelta(days=chance.randrange(9)), []).append(event)
            if chance.randrange(25) == 0:
                wrong.setdefault(arrives + timedelta(days=chance.randrange(1, 50)), []).append(event["id"])
        today += timedelta(days=1)


def _lateness(chance: Random) -> int:
    """Most usage is there at once, some comes days later, a little after its invoice."""
    tenth = chance.randrange(10)
    return 0 if tenth < 8 else chance.randrange(5) if tenth < 9 else chance.randrange(LATE_DAYS)


def _data(chance: Random, kind: str) -> Json:
    """What an event of this kind carries; numbers as text, digit by digit."""
    match kind:
        case "call":
            return {"calls": f"{chance.randrange(1, 900)}.{chance.randrange(10)}", "region": chance.choice(REGIONS)}
        case "payment":
            units = chance.randrange(100, 90_000)
            return {"amount": f"{units // 100}.{units % 100:02}", "cost": f"0.{chance.randrange(1000):03}"}
        case "compute":
            hours = f"{chance.randrange(1, 30)}.{chance.choice(('25', '5', '333'))}"
            return {"hours": hours, "region": chance.choice(REGIONS), "tier": chance.choice(("basic", "fast"))}
        case "storage":
            return {"gigabytes": str(chance.randrange(1, 600))}
        case "visit":
            return {"user": f"user-{chance.randrange(12)}"}
        case "machines":
            return {"level": str(chance.randrange(6))}
        case "load":
            return {"percent": f"{chance.randrange(100)}.{chance.randrange(100):02}"}
        case "licences":
            return {"count": str(chance.randrange(1, 40))}
        case _:
            return {}


REGIONS: Final = ("eu", "us", "ap")
