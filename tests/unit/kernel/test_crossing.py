"""What crosses between services comes back as it was, to the last digit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.customers import Customer, CustomerBook, CustomerUses
from farthing.identity import OrganizationBook
from farthing.kernel.crossing import packed, shape_of
from farthing.kernel.problems import Malformed
from farthing.pricing.aggregation import Point
from farthing.usage import Metering, Subjects


class Kind(StrEnum):
    ONE = "one"
    TWO = "two"


class Place(NamedTuple):
    name: str
    at: datetime


@dataclass(frozen=True)
class Thing:
    kind: Kind
    value: Decimal | str | None
    count: int
    places: tuple[Place, ...]
    more: Mapping[str, object]


class Shop(Protocol):
    def sell(self, things: Collection[Thing], at: datetime | None = None) -> Sequence[Thing]:
        """Anything."""


INSTANTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(["5", "0.10", "1e3", "null"])
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=9) | st.integers(-(10**40), 10**40).map(Decimal)
THINGS = st.builds(
    Thing, st.sampled_from(Kind), NUMBERS | TEXTS | st.none(), st.integers(-(10**30), 10**30),
    st.lists(st.builds(Place, TEXTS, INSTANTS), max_size=3).map(tuple),
    st.dictionaries(TEXTS, TEXTS | st.integers() | st.booleans() | st.none(), max_size=3),
)


@given(things=st.lists(THINGS, max_size=3), at=INSTANTS | st.none())
def test_nothing_changes_on_the_way(things: list[Thing], at: datetime | None) -> None:
    """A text of digits stays a text, and a number keeps its digits."""
    shape = shape_of(Shop.sell)
    arguments = shape.arguments(shape.request({"things": things, "at": at}))
    assert arguments == {"things": things, "at": at}
    assert [type(one.value) for one in arguments["things"]] == [type(one.value) for one in things]
    assert shape.result(packed(things)) == things


@given(value=st.one_of(NUMBERS, TEXTS, st.none()), time=INSTANTS)
def test_a_point_of_usage_comes_back(value: Decimal | str | None, time: datetime) -> None:
    points = [[Point(time, "", "1", value, {"region": "eu", "none": None})]]
    found = shape_of(Metering.points_of).result(packed(points))
    assert found == points
    assert type(found[0][0].value) is type(value)


def test_an_older_caller_may_leave_out_what_has_a_default() -> None:
    assert shape_of(Shop.sell).arguments(b'{"things": []}') == {"things": []}


def test_what_does_not_fit_is_refused() -> None:
    shape = shape_of(Shop.sell)
    for body in (
        b"", b"[]", b"{}", b'{"at": null}', b'{"things": [], "at": null, "more": 1}', b'{"things": 5, "at": null}',
        b'{"things": [], "at": "yesterday"}', b"[" * 100_000,
    ):
        with pytest.raises(Malformed):
            shape.arguments(body)
    with pytest.raises(TypeError):
        packed(1.5)


@pytest.mark.parametrize("protocol", [CustomerBook, CustomerUses, OrganizationBook, Metering, Subjects])
def test_every_protocol_between_services_can_cross(protocol: type) -> None:
    """Otherwise it would be found out by the first who asks."""
    calls = [call for name, call in vars(protocol).items() if not name.startswith("_") and callable(call)]
    assert calls
    assert all(shape_of(call) for call in calls)
    assert Customer.__name__ in str(shape_of(CustomerBook.get).gives)
