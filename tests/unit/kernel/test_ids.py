"""Identifiers sort by age, also where clocks stand still."""

from datetime import UTC, datetime, timedelta

from farthing.kernel.ids import ALPHABET, new_id

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_those_of_a_clock_that_stands_still_rise() -> None:
    """Also with others made in between, by a clock that stands elsewhere."""
    mixed = [new_id("sub", NOON + timedelta(days=number % 3)) for number in range(3_000)]
    for which in range(3):
        mine = mixed[which::3]
        assert mine == sorted(mine)
        assert len(set(mine)) == 1_000


def test_a_later_clock_gives_later_identifiers() -> None:
    early, late = new_id("sub", NOON), new_id("sub", NOON + timedelta(milliseconds=1))
    assert early < late
    assert early < new_id("sub", NOON) < late


def test_an_identifier_is_its_prefix_and_26_characters() -> None:
    prefix, _, rest = new_id("inv", NOON).partition("_")
    assert (prefix, len(rest)) == ("inv", 26)
    assert set(rest) <= set(ALPHABET)
