"""Usage out: every aggregation through GET /v1/usage, its windows, and whose an event is, on each store."""

from itertools import pairwise
from typing import Any

import pytest

from farthing.catalog.service import LocalCatalog
from farthing.kernel.clock import instant_from
from farthing.pricing.calendar import Period
from farthing.usage import Wanted
from farthing.usage.quantities.service import Quantities
from farthing.usage.subjects.service import SubjectBook
from tests.service.conftest import Api

pytestmark = pytest.mark.customers

NOVEMBER = "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"


def meter(api: Api, aggregation: str = "sum", **more: Any) -> None:
    value = {} if aggregation == "count" else {"value": "v"}
    body = {"key": "m", "name": "M", "event_type": "t", "aggregation": aggregation, **value, **more}
    api.made("/v1/meters", body)


def event(id: str, time: str, v: Any = None, subject: str = "acme", **data: Any) -> dict[str, Any]:
    properties = data | ({} if v is None else {"v": v})
    return {"id": id, "type": "t", "subject": subject, "time": time, "data": properties}


def usage(api: Api, query: str) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/usage?meter=m&{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return list((answer.json or {})["data"])


def values(api: Api, query: str) -> list[str]:
    return [row["value"] for row in usage(api, query)]


EVENTS = [
    event("1", "2026-11-02T10:00:00Z", "4"), event("2", "2026-11-02T10:20:00Z", 2.5),
    event("3", "2026-11-03T00:00:00Z", -1), event("4", "2026-11-03T00:00:00Z", "4.0"),
    event("5", "2026-11-04T00:00:00Z"), event("6", "2026-11-05T00:00:00Z", 0),
]


@pytest.mark.parametrize(("aggregation", "expected"), [
    ("count", "6"), ("sum", "9.5"), ("max", "4"), ("min", "-1"), ("latest", "0"), ("average", "1.9"),
])
def test_rule_17_aggregations_of_numbers(api: Api, aggregation: str, expected: str) -> None:
    meter(api, aggregation)
    api.made("/v1/events", EVENTS)
    assert values(api, NOVEMBER) == [expected]
    assert values(api, "from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z") == ["0"]


def test_rule_17_unique_count_compares_canonical_text(api: Api) -> None:
    meter(api, "unique_count")
    sent = ["a", "b", "a", 1, 1.0, "1", True, "true", None, False]
    api.made("/v1/events", [event(str(n), "2026-11-02T00:00:00Z", v) for n, v in enumerate(sent)])
    assert values(api, NOVEMBER) == ["5"]  # a, b, 1, true, false
    assert api.post("/v1/events", event("x", "2026-11-02T00:00:00Z", ["a"])).status_code == 422


def test_rule_17_an_average_that_does_not_end_has_twelve_decimals(api: Api) -> None:
    meter(api, "average")
    api.made("/v1/events", [event(str(n), "2026-11-02T00:00:00Z", v) for n, v in enumerate([1, 0, 1])])
    assert values(api, NOVEMBER) == ["0.666666666667"]


def test_rule_17_weighted_sum_carries_its_level_from_before(api: Api) -> None:
    meter(api, "weighted_sum")
    api.made("/v1/events", [
        event("1", "2026-10-01T00:00:00Z", "10"), event("2", "2026-11-02T12:00:00Z", "4"),
        event("3", "2026-11-03T00:00:00Z", "-14"),
    ])
    days = "from=2026-11-01T00:00:00Z&to=2026-11-05T00:00:00Z&window=day"
    assert values(api, days) == ["10", "12", "0", "0"]
    assert values(api, days.replace("day", "none")) == ["5.5"]


def test_rule_17_weighted_sum_has_a_level_for_each_group(api: Api) -> None:
    meter(api, "weighted_sum", group_by=["disk"])
    api.made("/v1/events", [
        event("1", "2026-10-01T00:00:00Z", "10", disk="a"), event("2", "2026-11-01T12:00:00Z", "4", disk="b"),
        event("3", "2026-10-02T00:00:00Z", "10", disk="c"), event("4", "2026-10-03T00:00:00Z", "-10", disk="c"),
    ])
    rows = usage(api, "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&group_by=disk")
    assert [(row["group"], row["value"]) for row in rows] == [({"disk": "a"}, "10"), ({"disk": "b"}, "2")]


def test_rule_16_latest_takes_the_greatest_time_then_id_then_source(api: Api) -> None:
    meter(api, "latest")
    time = "2026-11-02T00:00:00Z"
    api.made("/v1/events", [
        event("b", time, 1) | {"source": "a"}, event("b", time, 2) | {"source": "b"},
        event("a", time, 3) | {"source": "z"}, event("z", "2026-11-01T23:59:59.999999Z", 4),
    ])
    assert values(api, NOVEMBER) == ["2"]


def test_groups_are_values_as_text_null_last(api: Api) -> None:
    meter(api, group_by=["region", "size"])
    api.made("/v1/events", [
        event("1", "2026-11-02T00:00:00Z", 1, region="us", size=2), event("2", "2026-11-02T00:00:00Z", 2, region="eu"),
        event("3", "2026-11-02T00:00:00Z", 4), event("4", "2026-11-02T00:00:00Z", 8, region=None, size="2"),
        event("5", "2026-11-02T00:00:00Z", 16, region="us", size=2.0, other=["x"]),
    ])
    rows = usage(api, f"{NOVEMBER}&group_by=region,size")
    assert [(row["group"]["region"], row["group"]["size"], row["value"]) for row in rows] == [
        ("eu", None, "2"), ("us", "2", "17"), (None, "2", "8"), (None, None, "4"),
    ]
    by_other = usage(api, f"{NOVEMBER}&group_by=other")  # no property of the meter's: points answer
    assert [(row["group"]["other"], row["value"]) for row in by_other] == [(None, "31")]


def test_a_meter_filter_keeps_events_out(api: Api) -> None:
    meter(api, filter={"region": ["eu", "us"], "size": ["1"]})
    api.made("/v1/events", [
        event("1", "2026-11-02T00:00:00Z", 1, region="eu", size=1.0),
        event("2", "2026-11-02T00:00:00Z", 2, region="eu"),
        event("3", "2026-11-02T00:00:00Z", 4, region="ap", size="1"),
        event("4", "2026-11-02T00:00:00Z", 8, region="us", size="1"),
    ])
    assert values(api, NOVEMBER) == ["9"]


def test_t30_intervals_are_half_open(api: Api) -> None:
    api.clock.to("2026-12-02T00:00:00Z")
    meter(api)
    api.made("/v1/events", [
        event("1", "2026-11-01T00:00:00Z", 1), event("2", "2026-11-30T23:59:59.999999Z", 2),
        event("3", "2026-12-01T00:00:00Z", 4), event("4", "2026-10-31T23:59:59.999999Z", 8),
        event("5", "2026-11-01T05:30:00+05:30", 16), event("6", "2026-12-01T05:30:00+05:30", 32),
    ])
    assert values(api, NOVEMBER) == ["19"]
    assert values(api, "from=2026-11-01T00:00:00.000001Z&to=2026-12-01T00:00:00.000001Z") == ["38"]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_t23_days_of_a_clock_change_have_their_own_hours(api: Api, day: str, hours: int) -> None:
    meter(api, "count")
    api.made("/v1/customers", {"key": "acme", "name": "Acme", "timezone": "Europe/Berlin"})
    minutes = [f"2026-{month}T{hour:02}:{minute}:00Z" for month in ("03-28", "03-29", "10-24", "10-25", "10-26")
               for hour in range(24) for minute in ("00", "30")]
    api.made("/v1/events", [event(str(n), time) for n, time in enumerate(minutes)])
    start, end = {
        "2026-03-29": ("+01:00", "+02:00"), "2026-10-25": ("+02:00", "+01:00"), "2026-10-26": ("+01:00", "+01:00"),
    }[day]
    after = f"2026-{day[5:8]}{int(day[8:]) + 1}"
    query = f"customer=acme&from={day}T00:00:00{start}&to={after}T00:00:00{end}".replace("+", "%2B")
    rows = usage(api, f"{query}&window=hour")
    assert [row["value"] for row in rows] == ["2"] * hours
    assert all(one["to"] == other["from"] for one, other in pairwise(rows))
    assert [row["value"] for row in usage(api, f"{query}&window=day")] == [str(sum(int(row["value"]) for row in rows))]


def test_days_are_cut_in_the_customers_zone_also_beside_the_hour(api: Api) -> None:
    meter(api)
    api.made("/v1/customers", {"key": "acme", "name": "Acme", "timezone": "Asia/Kathmandu"})  # +05:45
    api.made("/v1/events", [event("1", "2026-11-01T18:14:59Z", 1), event("2", "2026-11-01T18:15:00Z", 2)])
    rows = usage(api, "customer=acme&from=2026-11-01T18:00:00Z&to=2026-11-03T00:00:00Z&window=day")
    assert [(row["from"], row["value"]) for row in rows] == [
        ("2026-11-01T18:00:00Z", "1"), ("2026-11-01T18:15:00Z", "2"), ("2026-11-02T18:15:00Z", "0"),
    ]


def test_windows_of_a_month_are_the_organisations_without_a_customer(api: Api) -> None:
    api.clock.to("2026-12-02T00:00:00Z")
    meter(api)
    api.made("/v1/events", [event("1", "2026-11-30T22:59:59Z", 1), event("2", "2026-11-30T23:00:00Z", 2)])
    query = "from=2026-10-15T00:00:00Z&to=2026-12-31T00:00:00Z&window=month"
    assert values(api, query) == ["0", "3", "0"]
    assert api.patch("/v1/organization", {"timezone": "Europe/Berlin"}).status_code == 200
    assert values(api, query) == ["0", "1", "2"]


@pytest.mark.parametrize(("query", "field"), [
    ("from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z", "to"), ("from=2026-11-02T00:00:00Z", "to"),
    ("to=2026-11-02T00:00:00Z", "from"),
    ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&window=hour", "window"),
    (f"{NOVEMBER}&window=week", "window"), (f"{NOVEMBER}&group_by=a,,b", "group_by"),
    (f"{NOVEMBER}&group_by=a,a", "group_by"), (f"{NOVEMBER}&color=red", "color"),
    ("from=yesterday&to=2026-11-02T00:00:00Z", "from"),
])
def test_a_question_against_the_rules_names_its_field(api: Api, query: str, field: str) -> None:
    meter(api)
    answer = api.get(f"/v1/usage?meter=m&{query}")
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert [error["field"] for error in (answer.json or {})["errors"]] == [field]


def test_unknown_meters_and_customers_are_not_found(api: Api) -> None:
    assert api.get(f"/v1/usage?meter=m&{NOVEMBER}").status_code == 404
    meter(api)
    assert api.get(f"/v1/usage?meter=m&customer=nobody&{NOVEMBER}").status_code == 404
    assert api.get(f"/v1/usage?{NOVEMBER}").status_code == 422
    assert api.with_scopes("ingest").get(f"/v1/usage?meter=m&{NOVEMBER}").status_code == 403
    stranger = api.stranger()
    assert stranger.get(f"/v1/usage?meter=m&{NOVEMBER}").status_code == 404


def test_events_count_as_soon_as_their_meter_and_customer_are_known(api: Api) -> None:
    api.made("/v1/events", [event("1", "2026-11-02T00:00:00Z", 1), event("2", "2026-11-02T00:00:00Z", 2, subject="b")])
    meter(api)
    assert values(api, NOVEMBER) == ["3"]
    customer = api.made("/v1/customers", {"key": "acme", "name": "Acme"})
    assert values(api, f"{NOVEMBER}&customer=acme") == ["1"]
    api.made("/v1/events", event("3", "2026-11-02T00:00:00Z", 4, subject=customer["id"]))
    assert values(api, f"{NOVEMBER}&customer={customer['id']}") == ["5"]


def test_rule_16_a_key_given_anew_binds_only_what_arrives_later(api: Api) -> None:
    meter(api)
    old = api.made("/v1/customers", {"key": "acme", "name": "Old"})["id"]
    api.made("/v1/events", event("1", "2026-11-02T00:00:00Z", 1))
    assert api.patch(f"/v1/customers/{old}", {"key": "acme-old"}).status_code == 200
    api.made("/v1/events", event("2", "2026-11-02T00:00:00Z", 2))  # the name is nobody's now
    new = api.made("/v1/customers", {"key": "acme", "name": "New"})["id"]
    api.made("/v1/events", event("3", "2026-11-02T00:00:00Z", 4))
    assert values(api, f"{NOVEMBER}&customer={old}") == ["1"]
    assert values(api, f"{NOVEMBER}&customer={new}") == ["4"]
    assert values(api, NOVEMBER) == ["7"]


def test_a_name_that_a_subscription_has_stays_its_own_when_a_customer_of_that_name_goes(api: Api) -> None:
    meter(api)
    first = api.made("/v1/customers", {"key": "acme", "name": "Acme"})["id"]
    api.farthing[SubjectBook].bind(api.organization, ["sub_1", "main"], first, "sub_1")
    second = api.made("/v1/customers", {"key": "main", "name": "Main"})["id"]
    assert api.delete(f"/v1/customers/{second}").status_code == 204
    api.made("/v1/events", event("1", "2026-11-02T00:00:00Z", 1, subject="main"))
    assert values(api, f"{NOVEMBER}&customer=acme") == ["1"]


def test_a_key_in_another_unicode_form_is_the_same_name(api: Api) -> None:
    meter(api)
    api.made("/v1/customers", {"key": "caf\u00e9", "name": "Café"})
    api.made("/v1/events", event("1", "2026-11-02T00:00:00Z", 1, subject="cafe\u0301"))
    assert values(api, f"{NOVEMBER}&customer=caf%C3%A9") == ["1"]


def wanted(api: Api, customer: str, subscription: str, own_usage: bool = False) -> Wanted:
    period = Period(instant_from("2026-11-01T00:00:00Z"), instant_from("2026-12-01T00:00:00Z"))
    return Wanted(api.farthing[LocalCatalog].meter(api.organization, "m"), customer, subscription, own_usage, period)


def counted(api: Api, one: Wanted, upto: int | None = None) -> list[str]:
    metering = api.farthing[Quantities]
    position = metering.position(api.organization) if upto is None else upto
    [points] = metering.points_of(api.organization, [one], position)
    return [str(point.value) for point in points]


def test_rule_16_an_event_counts_for_the_subscription_it_names_or_its_customers(api: Api) -> None:
    meter(api)
    customer = api.made("/v1/customers", {"key": "acme", "name": "Acme"})["id"]
    subjects = api.farthing[SubjectBook]
    subjects.bind(api.organization, ["sub_1", "main"], customer, "sub_1")
    subjects.bind(api.organization, ["sub_2", "other"], customer, "sub_2")
    names = ["acme", customer, "sub_1", "main", "sub_2", "other", "stranger"]
    api.made("/v1/events", [event(name, "2026-11-02T00:00:00Z", 2**n, subject=name) for n, name in enumerate(names)])
    assert sum(map(int, counted(api, wanted(api, customer, "sub_1")))) == 1 + 2 + 4 + 8
    assert sum(map(int, counted(api, wanted(api, customer, "sub_2", own_usage=True)))) == 16 + 32
    metering = api.farthing[Quantities]
    upto = metering.position(api.organization)
    both = [wanted(api, customer, "sub_2", own_usage=True), wanted(api, customer, "sub_1")]
    assert [len(points) for points in metering.points_of(api.organization, both, upto)] == [2, 4]
    assert values(api, f"{NOVEMBER}&customer=acme") == [str(2**6 - 1)]


def test_rule_18_what_counted_up_to_a_position_never_changes(api: Api) -> None:
    meter(api)
    metering = api.farthing[Quantities]
    api.made("/v1/events", [event("1", "2026-11-02T00:00:00Z", 1), event("2", "2026-11-03T00:00:00Z", 2)])
    before = metering.position(api.organization)
    customer = api.made("/v1/customers", {"key": "acme", "name": "Acme"})["id"]
    bound = metering.position(api.organization)
    api.made("/v1/events", event("3", "2026-11-01T00:00:00Z", 4))
    api.made("/v1/events/void", {"id": "2"})
    one = wanted(api, customer, "sub_1")
    assert counted(api, one) == ["4", "1"]
    assert counted(api, one, before) == []
    assert counted(api, one, bound) == ["1", "2"]
