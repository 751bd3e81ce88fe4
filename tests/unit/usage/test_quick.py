"""The quick way in reads what the long way reads, and leaves to it all that it would refuse."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.kernel.problems import Refusal
from farthing.kernel.strict_json import decoded
from farthing.usage.events.bodies import Batch, batch_of_json
from farthing.usage.events.checks import Rules, checked
from farthing.usage.events.prepared import Prepared, prepared
from farthing.usage.events.quick import quick_batch, quickly_prepared
from farthing.usage.events.values import Event

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLAIN = '{"id":"1","type":"t","subject":"acme"'
AWKWARD = ["acme", "e\u0301", "é", "a\u00a0b", "a\x7f", "", "x" * 255, "x" * 256, "1.5", '":']
TEXTS = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=5))
TIMES = st.sampled_from([
    "2026-11-01T00:00:00Z", "2026-11-01T00:00:00.25Z", "2026-11-01T02:00:00+02:00", "2026-11-01t00:00:00z",
    "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-01T23:59:60Z", "now", "",
])
NUMBERS = st.sampled_from(["1", "1.50", "-0", "1e3", "1E400", "9" * 40, "-7.25", "12345678901234567890.123456789"])
VALUES = st.one_of(
    NUMBERS, TEXTS.map(json.dumps), st.sampled_from(["true", "null", "[1]", '{"a":1}', "NaN", '{"a":1,"a":2}'])
)


@st.composite
def sent(draw: st.DrawFn) -> str:
    """The text of one event, most often a good one."""
    parts = [f'"{name}":{json.dumps(draw(TEXTS))}' for name in ("id", "type", "subject")]
    if draw(st.booleans()):
        parts.append(f'"time":{json.dumps(draw(TIMES))}')
    if draw(st.booleans()):
        inner = draw(st.lists(st.tuples(st.sampled_from(["a", "b", "q"]), VALUES), max_size=3))
        parts.append('"data":{' + ",".join(f'"{name}"{draw(SPACE)}:{value}' for name, value in inner) + "}")
    more = st.sampled_from(['"source":"s"', '"specversion":"1.0"', '"x":1', '"id":"2"', '"data":null'])
    parts += draw(st.lists(more, max_size=2))
    return "{" + ",".join(parts) + "}"


SPACE = st.sampled_from(["", "", " ", "\n"])


@given(st.lists(sent(), max_size=4), st.sampled_from(["array", "one", "wrapped"]))
def test_what_the_quick_way_takes_the_long_way_takes_alike(events: list[str], form: str) -> None:
    array = f"[{','.join(events)}]"
    body = {"array": array, "one": (events or ["{}"])[0], "wrapped": f'{{"events":{array}}}'}
    raw = body[form].encode("utf-8", "surrogatepass")
    batch = quick_batch(raw)
    quick = None if batch is None else quickly_prepared(batch, "org", 7, NOW, {})
    if quick is not None:
        assert told(quick) == told(long_way(raw))


def long_way(raw: bytes) -> Prepared:
    """Fails where the long way refuses."""
    batch = batch_of_json(raw)
    found = [checked(one.value, Rules(batch.cloudevents, batch.suspicious, NOW, {})) for one in batch.events]
    assert not any(errors for _, errors in found)
    return prepared("org", 7, [event for event, _ in found if isinstance(event, Event)], NOW)


def told(batch: Prepared) -> list[Any]:
    """What is stored, data by what it says: the quick way keeps the text that was sent."""
    rows = []
    for row, subject in zip(batch.rows, batch.subjects, strict=True):
        hash, _, source, id, type, time, received_at, data, extensions = row
        read = None if data is None else decoded(data.encode())
        rows.append((hash, source, id, type, subject, time, received_at, read, extensions))
    return rows


@pytest.mark.parametrize("raw", [
    PLAIN + ',"id":"2"}', PLAIN + ',"data":{"a":1,"a":2}}', PLAIN + ',"data":{"a":1,"a" :2}}', PLAIN + ',"data":[1]}',
    PLAIN + ',"data":{"a":1e999}}', PLAIN + ',"data":{"a":NaN}}', PLAIN + ',"x":1}', PLAIN + ',"time":1}', PLAIN,
    PLAIN + ',"data":{"a":"\\u0000"}}', "[]]", "", "1", '{"events":[' + PLAIN + '}],"more":1}',
])
def test_what_is_not_plain_goes_the_long_way(raw: str) -> None:
    assert quick_batch(raw.encode()) is None


@pytest.mark.parametrize("raw", [
    PLAIN + "}", f"[{PLAIN}}}]", f'{{"events":[{PLAIN}}}]}}', PLAIN + ',"data":{"a":1.5}}',
])
def test_what_is_plain_goes_the_quick_way(raw: str) -> None:
    batch = quick_batch(raw.encode())
    assert batch is not None
    assert quickly_prepared(batch, "org", 7, NOW, {}) is not None


def test_the_long_way_refuses_what_it_should() -> None:
    """Else the law above would hold of nothing."""
    with pytest.raises(Refusal):
        batch_of_json((PLAIN + ',"id":"2"}').encode())
    assert isinstance(batch_of_json((PLAIN + "}").encode()), Batch)
