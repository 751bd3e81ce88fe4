"""Rows handed over in bulk are what they would be one by one, on every database."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from farthing.kernel.bulk import insert_rows, put_rows, read_pairs
from farthing.kernel.columns import instant_stored
from farthing.kernel.database import refusing
from farthing.kernel.problems import Conflict
from farthing.usage.events.keyset.models import event_hashes
from farthing.usage.events.models import events
from farthing.usage.quantities.models import late_arrivals
from tests.service.conftest import Api

pytestmark = [pytest.mark.books, pytest.mark.together]
PLACES = 2**62  # nobody's
COLUMNS = [column.name for column in events.columns]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
AWKWARD = ["", "\\N", "\\.", "a\tb\nc\\\r\n", "'%s' ? :x", "\\x41", "ä€😀"]


@given(rows=st.lists(st.tuples(
    st.sampled_from(AWKWARD) | TEXTS, st.integers(-2**63, 2**63 - 1), st.integers(-10**16, 10**16),
    st.none() | st.sampled_from(AWKWARD) | TEXTS, st.none() | st.integers(-2**63, 2**63 - 1),
), min_size=1, max_size=30))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_comes_back_as_it_was_given(api: Api, rows: list[tuple[Any, ...]]) -> None:
    given_rows = [
        (PLACES + number, ref, ref, name, name, "t", ref, time, time, data, None, voids)
        for number, (name, ref, time, data, voids) in enumerate(rows)
    ]
    mine = events.c.place >= PLACES
    with api.farthing.database.write() as connection:
        connection.execute(delete(events).where(mine))
        insert_rows(connection, events, COLUMNS, given_rows)
        found = connection.execute(select(events).where(mine).order_by(events.c.place)).all()
        connection.execute(delete(events).where(mine))
    times = [(row.time, row.received_at) for row in found]
    assert times == [(instant_stored(row[7]), instant_stored(row[8])) for row in given_rows]
    assert [row[:7] + row[9:] for row in map(tuple, found)] == [row[:7] + row[9:] for row in given_rows]


def test_a_violation_is_named_and_nothing_stays(api: Api) -> None:
    columns = [column.name for column in event_hashes.columns]
    mine = event_hashes.c.organization == api.organization
    database = api.farthing.database
    with database.write() as connection:
        insert_rows(connection, event_hashes, columns, [(api.organization, -1, 7)])
        insert_rows(connection, event_hashes, columns, [])
    with pytest.raises(Conflict), refusing("event_hashes_pk", Conflict("It is there.")):
        with database.write() as connection:
            insert_rows(connection, event_hashes, columns, [(api.organization, 2, 3), (api.organization, -1, 7)])
    with database.read() as connection:
        found = connection.execute(select(event_hashes).where(mine)).all()
    assert [tuple(row) for row in found] == [(api.organization, -1, 7)]
    with database.write() as connection:
        connection.execute(delete(event_hashes).where(mine))


def test_rows_are_put_in_the_place_of_those_with_their_key(api: Api) -> None:
    """And are found by two numbers of it, however many are asked for."""
    columns = ("organization", "subject_ref", "meter", "seq", "earliest")
    database, mine = api.farthing.database, {"organization": api.organization}
    before = [(api.organization, ref, "m", ref % 3, 5) for ref in range(2_500)]
    after = [(api.organization, ref, "m", ref % 3, 6) for ref in range(1_000, 3_000)]
    with database.write() as connection:
        insert_rows(connection, late_arrivals, columns, before)
        put_rows(connection, late_arrivals, columns, after, keys=4)
        put_rows(connection, late_arrivals, columns, [], keys=4)
        pairs = [(ref, seq) for ref in range(3_000) for seq in (0, 1)]
        found = list(read_pairs(connection, late_arrivals, columns[1:], mine, ("subject_ref", "seq"), pairs))
        nobodys = list(read_pairs(connection, late_arrivals, columns, mine, ("subject_ref", "seq"), []))
        connection.execute(delete(late_arrivals).where(late_arrivals.c.organization == api.organization))
    expected = [row[1:] for row in (*before[:1_000], *after) if row[3] in (0, 1)]
    assert sorted(found) == expected
    assert nobodys == []
