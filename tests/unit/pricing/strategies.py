"""What the laws of pricing are tried with."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from farthing.pricing.aggregation import Point
from farthing.pricing.calendar import Interval, Period
from farthing.pricing.prices import Tier

# half-hour and quarter-hour offsets, both ends of the day, midnights skipped and lived twice, a day left out
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Toronto",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
MIN, MAX = date(1900, 1, 1), date(2100, 1, 1)
OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


def zones() -> st.SearchStrategy[ZoneInfo]:
    return st.sampled_from(ZONES).map(ZoneInfo)


def days() -> st.SearchStrategy[date]:
    """Any day, and often one on which a clock changes or leaves a day out."""
    changes = [date(2011, 12, 29), date(2010, 11, 6), date(2026, 4, 23), date(1919, 3, 30), date(2018, 11, 3)]
    near = st.builds(
        lambda day, n: day + timedelta(days=n),
        st.sampled_from(changes),
        st.integers(min_value=-3, max_value=3),
    )
    return st.one_of(st.dates(MIN, MAX), near)


def instants() -> st.SearchStrategy[datetime]:
    return st.builds(
        lambda day, part: datetime(day.year, day.month, day.day, tzinfo=UTC) + part,
        days(),
        st.timedeltas(timedelta(0), timedelta(days=1)),
    )


def intervals() -> st.SearchStrategy[Interval]:
    units = st.sampled_from(("day", "week", "month", "quarter", "year"))
    return st.builds(Interval, units, st.integers(min_value=1, max_value=13))


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    """Any number that may come in: up to 38 significant digits, from 10**-30 up to below 10**38."""
    digits = draw(st.integers(min_value=1, max_value=10**38 - 1))
    size = len(str(digits))
    first = draw(st.integers(min_value=-30, max_value=37))
    sign = draw(st.sampled_from(("", "-")))
    return Decimal(f"{sign}{digits}e{first - size + 1}")


def amounts(most: int = 1000, places: int = 4) -> st.SearchStrategy[Decimal]:
    """Catalogue amounts, never negative."""
    return st.integers(min_value=0, max_value=most * 10**places).map(lambda n: Decimal(f"{n}e-{places}"))


def quantities() -> st.SearchStrategy[Decimal | Fraction]:
    """Quantities to price, whole and fractional, ending or not."""
    fractions = st.fractions(min_value=0, max_value=5000, max_denominator=1000)
    return st.one_of(st.integers(min_value=0, max_value=5000).map(Decimal), amounts(5000, 3), fractions)


@st.composite
def tiers(draw: st.DrawFn, flat: bool = True, falling: bool = False) -> tuple[Tier, ...]:
    """Lawful tiers: rising, the last one open; `falling` by unit amount."""
    ends = sorted(draw(st.sets(st.integers(min_value=1, max_value=4000), max_size=4)))
    prices = draw(st.lists(amounts(10), min_size=len(ends) + 1, max_size=len(ends) + 1))
    if falling:
        prices.sort(reverse=True)
    fees = [draw(amounts(100, 2)) if flat else Decimal(0) for _ in prices]
    up_to = [*map(Decimal, ends), None]
    return tuple(Tier(end, price, fee) for end, price, fee in zip(up_to, prices, fees, strict=True))


@st.composite
def points(draw: st.DrawFn, numeric: bool = True) -> list[Point]:
    """Events of October 2026, some at the same time and some without a value, none of them twice."""
    seconds = st.integers(min_value=0, max_value=31 * 86_400 - 1)
    number = st.integers(min_value=-(10**6), max_value=10**6).map(lambda n: Decimal(f"{n}e-3"))
    text = st.sampled_from(("a", "b", "c", "1", "2"))
    value: st.SearchStrategy[Decimal | str | None] = st.one_of(st.none(), number if numeric else text)
    names = draw(st.sets(st.tuples(st.sampled_from("xyz"), st.sampled_from("123456")), max_size=12))
    times = [OCTOBER.start + timedelta(seconds=draw(st.one_of(st.just(7), seconds))) for _ in names]
    properties = st.fixed_dictionaries({}, optional={"region": st.sampled_from(("eu", "us", None))})
    return [
        Point(time, source, id, draw(value), draw(properties))
        for time, (source, id) in zip(times, sorted(names), strict=True)
    ]
