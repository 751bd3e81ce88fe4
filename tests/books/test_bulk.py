"""Rows handed over in bulk are what they would be one by one, on every database."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from farthing.kernel.bulk import insert_rows
from farthing.kernel.columns import instant_stored
from farthing.kernel.database import refusing
from farthing.kernel.problems import Conflict
from farthing.usage.events.models import event_keys, events
from tests.service.conftest import Api

pytestmark = [pytest.mark.books, pytest.mark.together]
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
        (api.organization, seq, "event", name, name, "t", ref, time, time, data, None, voids)
        for seq, (name, ref, time, data, voids) in enumerate(rows)
    ]
    mine = events.c.organization == api.organization
    with api.farthing.database.write() as connection:
        connection.execute(delete(events).where(mine))
        insert_rows(connection, events, COLUMNS, given_rows)
        found = connection.execute(select(events).where(mine).order_by(events.c.seq)).all()
        connection.execute(delete(events).where(mine))
    times = [(row.time, row.received_at) for row in found]
    assert times == [(instant_stored(row[7]), instant_stored(row[8])) for row in given_rows]
    assert [row[:7] + row[9:] for row in map(tuple, found)] == [row[:7] + row[9:] for row in given_rows]


def test_a_violation_is_named_and_nothing_stays(api: Api) -> None:
    key, columns = bytes(range(16)), [column.name for column in event_keys.columns]
    rows = [(api.organization, key, b"\\\t\n" + bytes(13), seq) for seq in (1, 2)]
    database = api.farthing.database
    with database.write() as connection:
        insert_rows(connection, event_keys, columns, rows[:1])
        insert_rows(connection, event_keys, columns, [])
    with pytest.raises(Conflict), refusing("event_keys_pk", Conflict("It is there.")):
        with database.write() as connection:
            insert_rows(connection, event_keys, columns, [(api.organization, bytes(16), bytes(16), 3), *rows[1:]])
    with database.read() as connection:
        found = connection.execute(select(event_keys).where(event_keys.c.organization == api.organization)).all()
    assert [tuple(row) for row in found] == rows[:1]
