"""Laws of usage: the order of arrival changes nothing, rollups say what points say, and followers miss nothing."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farthing.app import Farthing, open_farthing
from farthing.catalog import Meter
from farthing.catalog.meters.schemas import MeterIn
from farthing.catalog.meters.service import Meters
from farthing.identity.organizations.service import Organizations
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.schemas import parsed
from farthing.kernel.settings import load_settings
from farthing.pricing.aggregation import Aggregation, Point, aggregate, sum_of
from farthing.pricing.arithmetic import ZERO, Exact
from farthing.pricing.calendar import Period, Window, windows
from farthing.usage.events.bodies import Batch, batch_from
from farthing.usage.events.quick import QuickBatch
from farthing.usage.events.service import Events
from farthing.usage.events.values import Ingested
from farthing.usage.quantities.follower import STEP, Follower
from farthing.usage.quantities.service import Quantities, Question
from tests.servers import Servers
from tests.service.conftest import TestClock

START = datetime(2026, 10, 24, 20, tzinfo=UTC)  # a clock change in Berlin follows
QUARTERS = 40 * 4  # hours that events fall into


def batch(events: list[dict[str, Any]]) -> Batch | QuickBatch:
    return batch_from("application/json", "", {}, json.dumps(events).encode())


@dataclass(frozen=True)
class Tenant:
    """A fresh organisation and what it asks of the services."""

    farthing: Farthing
    caller: Caller

    def meter(self, aggregation: Aggregation, **more: Any) -> Meter:
        body = {"key": aggregation.value, "name": "M", "event_type": "t", "aggregation": aggregation.value, **more}
        if aggregation is not Aggregation.COUNT:
            body["value"] = "v"
        return self.farthing[Meters].create(self.caller, parsed(MeterIn, body))

    def send(self, events: list[dict[str, Any]]) -> Ingested:
        return self.farthing[Events].ingest(self.caller, batch(events), skip=False)

    def cells(
        self, meter: str, period: Period, window: Window, group_by: tuple[str, ...] = ()
    ) -> dict[tuple[datetime, tuple[str | None, ...]], Exact]:
        question = Question(None, meter, period.start, period.end, window, group_by)
        found = self.farthing[Quantities].usage(self.caller, question)
        return {(cell.window.start, cell.group): cell.value for cell in found}


def tenant_of(farthing: Farthing) -> Tenant:
    return Tenant(farthing, operator(farthing[Organizations].create("Laws", timezone="Europe/Berlin").id))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, clock: TestClock) -> Iterator[Farthing]:
    clock.to("2026-11-20T12:00:00Z")
    home = tmp_path_factory.mktemp("laws")
    opened = open_farthing(load_settings({}, home=str(home), log_level="error"), clock)
    yield opened
    opened.close()


@st.composite
def sent_events(draw: st.DrawFn) -> dict[str, Any]:
    time = START + draw(st.integers(0, QUARTERS * 3 - 1)) * timedelta(minutes=5)
    number = draw(st.integers(-10**6, 10**6))
    value = draw(st.sampled_from([None, str(number), f"{number}.250", f"{number}e-9"]))
    region = draw(st.sampled_from(["eu", "us", None]))
    return {
        "type": draw(st.sampled_from(["t", "t", "t", "other"])), "subject": draw(st.sampled_from(["a", "b"])),
        "time": instant_text(time), "data": {"v": value, "region": region},
    }


def point_of(event: dict[str, Any], text: bool) -> Point:
    value = event["data"]["v"]
    return Point(
        datetime.fromisoformat(event["time"]), "", event["id"], value if value is None or text else Decimal(value),
        {"region": event["data"]["region"]},
    )


def expected(
    aggregation: Aggregation, events: list[dict[str, Any]], cut: list[Period], by_region: bool
) -> dict[tuple[datetime, tuple[str | None, ...]], Exact]:
    """The quantities straight from the definition: every window and group aggregated by itself."""
    points = [point_of(event, aggregation is Aggregation.UNIQUE_COUNT) for event in events if event["type"] == "t"]
    groups = sorted({point.properties["region"] for point in points}, key=str) if by_region else [None]
    found: dict[tuple[datetime, tuple[str | None, ...]], Exact] = {}
    for window in cut:
        for region in groups:
            mine = [one for one in points if not by_region or one.properties["region"] == region]
            inside = [one for one in mine if one.time in window]
            level = sum_of(one for one in mine if one.time < window.start) if _carries(aggregation) else ZERO
            if inside or level or not by_region:
                group = (region,) if by_region else ()
                found[window.start, group] = aggregate(aggregation, inside, window, level)
    return found


def _carries(aggregation: Aggregation) -> bool:
    return aggregation is Aggregation.WEIGHTED_SUM


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(sent_events(), min_size=1, max_size=25), data=st.data())
def test_rule_16_any_order_any_batches_and_any_repeats_give_the_same_usage(
    embedded: Farthing, events: list[dict[str, Any]], data: st.DataObject
) -> None:
    tenant = tenant_of(embedded)
    events = [event | {"id": str(number)} for number, event in enumerate(events)]
    later = data.draw(st.sets(st.sampled_from(list(Aggregation))), label="meters made after the events")
    for aggregation in set(Aggregation) - later:
        tenant.meter(aggregation, group_by=["region"])
    arrivals = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events)))]), label="arrivals")
    voided = data.draw(st.sets(st.sampled_from([event["id"] for event in events]), max_size=4), label="voided")
    accepted = 0
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)), label="size of the next batch")
        done = tenant.send(arrivals[:size])
        assert done.conflicts == 0
        accepted += done.accepted
        for event in arrivals[:size]:
            if event["id"] in voided and data.draw(st.booleans(), label="void now"):
                embedded[Events].void(tenant.caller, "", event["id"])
        if data.draw(st.booleans(), label="follow now"):
            embedded[Follower].follow_all()
        arrivals = arrivals[size:]
    assert accepted == len(events)
    for id in voided:
        embedded[Events].void(tenant.caller, "", id)
    for aggregation in later:
        tenant.meter(aggregation, group_by=["region"])
    standing = [event for event in events if event["id"] not in voided]
    start = START + data.draw(st.integers(-100, 3000), label="from") * timedelta(minutes=1)
    period = Period(start, start + data.draw(st.integers(1, 3000), label="length") * timedelta(minutes=1))
    window = data.draw(st.sampled_from(get_args(Window)), label="window")
    cut = list(windows(period, window, ZoneInfo("Europe/Berlin")))
    for aggregation in Aggregation:
        for group_by in ((), ("region",)):
            found = tenant.cells(aggregation.value, period, window, group_by)
            assert found == expected(aggregation, standing, cut, bool(group_by)), (aggregation, group_by)


def test_rollups_and_points_answer_alike_over_more_than_a_step(embedded: Farthing) -> None:
    """The same events once through a meter that rolls up and once through one asked by another property."""
    tenant = tenant_of(embedded)
    rolled = tenant.meter(Aggregation.SUM, group_by=["region"])
    drawn = random.Random(7)
    events = [
        {
            "id": str(n), "type": "t", "subject": f"s{n % 7}",
            "time": instant_text(START + timedelta(seconds=drawn.randint(0, 200_000))),
            "data": {"v": f"{drawn.randint(-999, 999)}.5", "region": "eu"},
        }
        for n in range(STEP + 2_000)
    ]
    voided = {str(n) for n in range(0, 200, 2)}
    for at in range(0, len(events), 3_000):
        tenant.send(events[at : at + 3_000])
    for id in voided:
        embedded[Events].void(tenant.caller, "", id)
    period = Period(START + timedelta(minutes=7), START + timedelta(days=2, minutes=3))
    by_rollup = tenant.cells(rolled.key, period, "hour", ("region",))
    by_point = tenant.cells(rolled.key, period, "hour", ("region", "nothing"))
    assert {(start, group[:1]): value for (start, group), value in by_point.items()} == by_rollup
    standing = [event for event in events if event["id"] not in voided]
    cut = list(windows(period, "hour", ZoneInfo("Europe/Berlin")))
    assert by_rollup == expected(Aggregation.SUM, standing, cut, by_region=True)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_concurrent_writers_and_followers_never_skip_or_repeat(
    engine: str, servers: Servers, tmp_path: Path, clock: TestClock
) -> None:
    """Six writers that share some ids, two followers and a reader at once; F01's oracle I2 at the end."""
    clock.to("2026-11-20T12:00:00Z")
    home = load_settings({}, home=str(tmp_path), database_url=servers.url(engine), log_level="error")
    farthing = open_farthing(home, clock)
    tenant = tenant_of(farthing)
    meters = [tenant.meter(aggregation) for aggregation in (Aggregation.COUNT, Aggregation.SUM)]
    writing = threading.Event()
    writing.set()
    seen: list[int] = []
    writers = [_writer(tenant, number) for number in range(6)]
    others: list[Callable[[], None]] = [_while(writing, farthing[Follower].follow_all) for _ in range(2)]
    others.append(_while(writing, lambda: seen.append(int(_total(tenant, "count")))))
    results = _together(writers, others, writing)
    farthing[Follower].follow_all()
    assert sum(done.accepted for done in results) == 6 * 200
    assert _total(tenant, "count") == Decimal(6 * 200)
    assert _total(tenant, "sum") == Decimal(sum(range(200)) * 6)
    assert seen == sorted(seen)
    position = farthing[Quantities].position(tenant.caller.organization)
    assert position == 6 * 200  # gapless: a sequence number for each event
    assert len(meters) == 2
    farthing.close()


def test_followers_at_once_share_the_work(embedded: Farthing) -> None:
    tenant = tenant_of(embedded)
    meters = [tenant.meter(aggregation) for aggregation in (Aggregation.COUNT, Aggregation.SUM, Aggregation.LATEST)]
    tenant.send([_numbered(0, n) for n in range(500)])
    upto = embedded[Quantities].position(tenant.caller.organization)
    threads = [
        threading.Thread(
            target=embedded[Follower].follow, args=(tenant.caller.organization, meters[number % 3 :], upto), daemon=True
        )
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert _total(tenant, "count") == Decimal(500)
    assert _total(tenant, "sum") == Decimal(sum(range(500)))


def test_voids_at_once_void_once(embedded: Farthing) -> None:
    tenant = tenant_of(embedded)
    tenant.meter(Aggregation.SUM)
    tenant.send([_numbered(0, n) for n in range(10)])
    before = embedded[Quantities].position(tenant.caller.organization)
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(embedded[Events].void(tenant.caller, "", "0-9")), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 8
    assert len(set(results)) == 1
    assert embedded[Quantities].position(tenant.caller.organization) == before + 1
    assert _total(tenant, "sum") == Decimal(36)


def test_the_gauge_says_how_far_followers_are_behind(embedded: Farthing) -> None:
    tenant = tenant_of(embedded)
    tenant.meter(Aggregation.COUNT)
    embedded[Follower].follow_all()
    tenant.send([_numbered(0, n) for n in range(30)])
    assert embedded[Follower].follow_all() == 30
    assert embedded[Follower].follow_all() == 0
    assert embedded.telemetry.lag._value.get() == 0


def _numbered(writer: int, number: int) -> dict[str, Any]:
    time = instant_text(START + timedelta(minutes=number))
    return {"id": f"{writer}-{number}", "type": "t", "subject": f"s{number % 5}", "time": time, "data": {"v": number}}


def _writer(tenant: Tenant, number: int) -> Callable[[], list[Ingested]]:
    """Sends its own events and, as a repeat, its neighbour's, in small batches in an order of its own."""
    mine = [_numbered(number, n) for n in range(200)]
    neighbours = [_numbered((number + 1) % 6, n) for n in range(200)]
    arrivals = iter(random.Random(number).sample([*mine, *neighbours], 400))

    def work() -> list[Ingested]:
        done = []
        while some := list(islice(arrivals, 25)):
            done.append(tenant.send(some))
        return done

    return work


def _while(writing: threading.Event, work: Callable[[], object]) -> Callable[[], None]:
    def loop() -> None:
        while writing.is_set():
            work()

    return loop


def _together(
    writers: list[Callable[[], list[Ingested]]], others: list[Callable[[], None]], writing: threading.Event
) -> list[Ingested]:
    results: list[Ingested] = []
    failures: list[BaseException] = []

    def guarded(work: Callable[[], Any]) -> None:
        try:
            results.extend(work() or ())
        except BaseException as error:
            failures.append(error)

    busy = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in writers]
    around = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in others]
    for thread in [*busy, *around]:
        thread.start()
    for thread in busy:
        thread.join(120)
    writing.clear()
    for thread in around:
        thread.join(120)
    assert failures == []
    return results


def _total(tenant: Tenant, meter: str) -> Exact:
    [value] = tenant.cells(meter, Period(START, START + timedelta(days=9)), "none").values()
    return value
