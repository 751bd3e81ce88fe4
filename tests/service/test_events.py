"""Events in: what is taken, what is refused, and that each counts once, on each store."""

import gzip
import json
from typing import Any

import pytest
import zstandard

from tests.service.conftest import Api


def event(id: str = "1", **fields: Any) -> dict[str, Any]:
    return {"id": id, "type": "api.request", "subject": "acme", "time": "2026-11-01T00:00:00Z"} | fields


def sent(api: Api, raw: bytes | str, kind: str = "application/json", **headers: str) -> Any:
    body = raw.encode() if isinstance(raw, str) else raw
    return api.post("/v1/events", data=body, content_type=kind, headers=headers)


def counts(answer: Any) -> tuple[int, int, int, int]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    said = answer.json
    return said["accepted"], said["duplicates"], said["conflicts"], said["rejected"]


def fields(answer: Any) -> list[tuple[int, str]]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return [(error["index"], error["field"]) for error in answer.json["errors"]]


def summed(api: Api, **more: Any) -> None:
    api.made("/v1/meters", {
        "key": "calls", "name": "Calls", "event_type": "api.request", "aggregation": "sum", "value": "quantity", **more,
    })


def quantity(api: Api, meter: str = "calls") -> str:
    answer = api.get(f"/v1/usage?meter={meter}&from=2026-10-01T00:00:00Z&to=2027-01-01T00:00:00Z")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.json["data"][0]["value"])  # type: ignore[index]


def test_one_event_an_array_and_an_object_of_events_are_taken(api: Api) -> None:
    assert counts(api.post("/v1/events", event("1"))) == (1, 0, 0, 0)
    assert counts(api.post("/v1/events", [event("2"), event("3")])) == (2, 0, 0, 0)
    assert counts(api.post("/v1/events", {"events": [event("4")]})) == (1, 0, 0, 0)
    assert counts(api.post("/v1/events", [])) == (0, 0, 0, 0)
    assert [row["id"] for row in api.every("/v1/events")] == ["1", "2", "3", "4"]


def test_the_forms_of_cloudevents_are_taken(api: Api) -> None:
    whole = event(source="/web", specversion="1.0")
    structured, batch = "application/cloudevents+json", "application/cloudevents-batch+json"
    assert counts(sent(api, json.dumps(whole), f"{structured}; charset=utf-8")) == (1, 0, 0, 0)
    assert counts(sent(api, json.dumps([whole, whole | {"id": "2"}]), batch)) == (1, 1, 0, 0)
    assert fields(sent(api, json.dumps(event()), structured)) == [(0, "specversion")]
    assert fields(sent(api, json.dumps([whole, event(specversion="1.0")]), batch)) == [(1, "source")]
    assert fields(sent(api, json.dumps(event(specversion="0.3")))) == [(0, "specversion")]


def test_binary_mode_has_attributes_in_headers_and_data_in_the_body(api: Api) -> None:
    headers = {
        "ce-specversion": "1.0", "ce-id": "50%25", "ce-source": "/caf%C3%A9", "ce-type": "api.request",
        "ce-subject": "a%20b", "ce-time": "2026-11-01T01:00:00+01:00", "ce-flavour": '"%22x%22"',
    }
    assert counts(sent(api, b'{"quantity": 1.50}', **headers)) == (1, 0, 0, 0)
    [row] = api.every("/v1/events")
    assert (row["id"], row["source"], row["subject"]) == ("50%", "/café", "a b")
    assert row["time"] == "2026-11-01T00:00:00Z"
    assert row["extensions"] == {"flavour": '"x"'}
    assert b'"data":{"quantity":1.50}' in api.get("/v1/events").get_data()
    del headers["ce-source"]
    assert fields(sent(api, b"{}", **headers)) == [(0, "source")]
    assert sent(api, b"<a/>", "application/xml", **headers).status_code == 415


def test_ndjson_is_an_event_a_line(api: Api) -> None:
    lines = "\n".join(json.dumps(event(str(number))) for number in range(3))
    assert counts(sent(api, f"{lines}\n\n", "application/x-ndjson")) == (3, 0, 0, 0)
    bad = f'{json.dumps(event("8"))}\n{{"id": \n{json.dumps(event("9"))}'
    answer = sent(api, bad, "application/x-ndjson")
    assert answer.status_code == 400
    assert [error["index"] for error in answer.json["errors"]] == [1]
    assert counts(api.post("/v1/events?on_error=skip", data=bad, content_type="application/x-ndjson")) == (2, 0, 0, 1)
    [rejected] = api.every("/v1/events/rejected")
    assert rejected["event"] == '{"id": '


@pytest.mark.parametrize(("encoding", "encoded"), [
    ("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes),
    ("gzip", lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:])),
    ("zstd", lambda raw: zstandard.compress(raw[:9]) + zstandard.compress(raw[9:])),
])
def test_bodies_may_be_compressed(api: Api, encoding: str, encoded: Any) -> None:
    raw = json.dumps([event(str(number)) for number in range(50)]).encode()
    assert counts(sent(api, encoded(raw), **{"Content-Encoding": encoding})) == (50, 0, 0, 0)


WIDE = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27)).compressobj()
BOMBS = {  # by name: encoding, body, status
    "gzip bomb": ("gzip", gzip.compress(b"0" * (10 * 1024 * 1024 + 1)), 413),
    "zstd bomb": ("zstd", zstandard.compress(b"0" * (10 * 1024 * 1024 + 1)), 413),
    "gzip in gzip": ("gzip", gzip.compress(gzip.compress(b"[]")), 400),
    "gzip cut off": ("gzip", gzip.compress(b"[1234567890]")[:-9], 400),
    "zstd cut off": ("zstd", zstandard.compress(b"[1234567890]" * 9)[:-3], 400),
    "no gzip": ("gzip", b"[]", 400),
    "no zstd": ("zstd", b"[]", 400),
    "gzip and junk": ("gzip", gzip.compress(b"[]") + b"junk", 400),
    "zstd and junk": ("zstd", zstandard.compress(b"[]") + b"junk", 400),
    "zstd with a wide window": ("zstd", WIDE.compress(b"[]") + WIDE.flush(), 400),
    "unknown encoding": ("br", b"[]", 415),
    "two encodings": ("gzip, gzip", b"[]", 415),
    "empty gzip": ("gzip", b"", 400),
    "empty zstd": ("zstd", b"", 400),
}


@pytest.mark.parametrize("name", BOMBS)
def test_t11_bombs_and_broken_streams_are_refused(api: Api, name: str) -> None:
    encoding, body, status = BOMBS[name]
    assert sent(api, body, **{"Content-Encoding": encoding}).status_code == status
    assert api.every("/v1/events") == []


BROKEN = {  # by name: body, media type, status
    "cut at half": (b'[{"id": "1"', "application/json", 400),
    "empty": (b"", "application/json", 400),
    "no lines": (b"", "application/x-ndjson", 400),
    "UTF-16": (b"\xff\xfe[\x00]\x00", "application/json", 400),
    "byte order mark": (b"\xef\xbb\xbf[]", "application/json", 400),
    "not UTF-8": (b'["\xff"]', "application/json", 400),
    "text": (b"[]", "text/plain", 415),
    "no media type": (b"[]", "", 415),
    "deeply nested": (b"[" * 100_000, "application/json", 400),
    "NaN": (b'[{"a":NaN}]', "application/json", 400),
    "events is no array": (b'{"events": 1}', "application/json", 422),
    "something beside events": (b'{"events": [], "x": 1}', "application/json", 422),
    "a number": (b"1", "application/json", 422),
    "null among events": (b"[null]", "application/json", 422),
    "too many events": (b"[%s]" % b",".join([b"{}"] * 10_001), "application/json", 413),
    "too many lines": (b"{}\n" * 10_001, "application/x-ndjson", 413),
    "too many empty lines": (b"\n" * 1_000_000, "application/x-ndjson", 413),
    "too many keys": (b'[{"data":{%s}}]' % b",".join(b'"%d":1' % n for n in range(10_001)), "application/json", 413),
    "too large": (b" " * (10 * 1024 * 1024 + 1), "application/json", 413),
}


@pytest.mark.parametrize("name", BROKEN)
def test_t10_t12_broken_bodies_are_refused(api: Api, name: str) -> None:
    body, kind, status = BROKEN[name]
    assert sent(api, body, kind).status_code == status
    assert api.every("/v1/events") == []


@pytest.mark.parametrize(("changed", "field"), [
    ({"id": None}, "id"), ({"id": ""}, "id"), ({"id": "x" * 256}, "id"), ({"id": 7}, "id"), ({"type": None}, "type"),
    ({"subject": None}, "subject"), ({"subject": ""}, "subject"), ({"subject": {}}, "subject"),
    ({"type": "a\tb"}, "type"),
    ({"source": "x" * 256}, "source"), ({"time": 1762000000}, "time"), ({"time": "2026-06-30T23:59:60Z"}, "time"),
    ({"time": "2026-11-01T00:00:00"}, "time"), ({"time": "20261101"}, "time"), ({"time": "2026-W26-1"}, "time"),
    ({"time": "2026-11-01T00:00:00+24:00"}, "time"), ({"time": "0000-01-01T00:00:00Z"}, "time"),
    ({"time": "9999-01-01T00:00:00Z"}, "time"), ({"time": "2026-11-22T12:00:00Z"}, "time"),
    ({"data": []}, "data"), ({"data": "x"}, "data"), ({"data_base64": "AA=="}, "data_base64"),
    ({"Flavour": "x"}, "Flavour"), ({"flavour": {}}, "flavour"),
])
def test_t28_t29_an_event_against_the_rules_fails_the_whole_batch(
    api: Api, changed: dict[str, Any], field: str
) -> None:
    assert fields(api.post("/v1/events", [event("good"), event("bad") | changed])) == [(1, field)]
    assert api.every("/v1/events") == []


def test_t29_time_may_be_missing_old_or_a_little_ahead(api: Api) -> None:
    batch = [
        event("1", time=None), event("2", time="2016-11-20T12:00:00.1234567890Z"),
        event("3", time="2026-11-21T12:00:00Z"),
    ]
    assert counts(api.post("/v1/events", batch)) == (3, 0, 0, 0)
    times = [row["time"] for row in api.every("/v1/events")]
    assert times == ["2026-11-20T12:00:00Z", "2016-11-20T12:00:00.123456Z", "2026-11-21T12:00:00Z"]
    answer = api.post("/v1/events", event("4", time="2026-11-21T12:00:00.000001Z"))
    assert "24 hours" in answer.get_data(as_text=True)


@pytest.mark.parametrize("literal", [
    "1e999", "1e31", "1e-31", '"1e31"', '"1e-31"', '"1e999999999"', '"0e999999999"', f"1{'0' * 300_000}", "9" * 39,
    "9" * 5_000, f'"{"9" * 39}"', '"١٢"', '"1_000"', '" 1 "', '"+1"', '"1."', '".5"', '"0x10"', '"1,5"', '""', "true",
    "[]", "{}", '"NaN"', '"Infinity"',
], ids=lambda literal: literal[:20])
def test_t02_t03_t04_t09_what_is_no_quantity_is_refused_by_its_meter(api: Api, literal: str) -> None:
    summed(api)
    body = f'[{{"id":"1","type":"api.request","subject":"acme","data":{{"quantity":{literal}}}}}]'
    assert fields(sent(api, body)) == [(0, "data.quantity")]


@pytest.mark.parametrize("literal", ["1e999", "1e31", "1e-31", "9" * 39, "9" * 5_000])
def test_t02_a_number_beyond_all_limits_is_refused_without_a_meter_too(api: Api, literal: str) -> None:
    body = f'[{{"id":"1","type":"api.request","subject":"acme","data":{{"nested":[{literal}]}}}}]'
    assert fields(sent(api, body)) == [(0, "data.nested[0]")]


@pytest.mark.parametrize("literal", [
    "1e30", "1E-30", '"1e30"', "9" * 38, "0.1000000000000000055511151231257827", "9223372036854775808",
    "18446744073709551616", "-0", '"-0.50"', "null",
])
def test_t04_t05_t06_digits_come_back_as_they_were_sent(api: Api, literal: str) -> None:
    summed(api)
    body = f'[{{"id":"1","type":"api.request","subject":"acme","data":{{"quantity":{literal}}}}}]'
    assert counts(sent(api, body)) == (1, 0, 0, 0)
    assert f'"data":{{"quantity":{literal}}}'.encode() in api.get("/v1/events").get_data()


def test_t05_ten_tenths_are_one(api: Api) -> None:
    summed(api)
    body = ",".join(f'{{"id":"{n}","type":"api.request","subject":"a","data":{{"quantity":0.1}}}}' for n in range(10))
    sent(api, f"[{body}]")
    assert quantity(api) == "1"


def test_t06_whole_numbers_beyond_64_bits_add_up(api: Api) -> None:
    summed(api)
    api.post("/v1/events", [event("1", data={"quantity": 2**63}), event("2", data={"quantity": 2**64})])
    assert quantity(api) == str(2**63 + 2**64)


def test_t07_a_key_twice_is_refused(api: Api) -> None:
    answer = sent(api, '[{"id":"1","type":"t","subject":"a","data":{"quantity":"1","quantity":"100"}}]')
    assert answer.status_code == 400
    assert "duplicate key" in answer.json["detail"]


def test_t08_what_no_store_can_hold_is_refused_and_the_rest_kept(api: Api) -> None:
    odd = "\u202e\U0001f600e\u0301"
    batch = [event("1", data={"note": "\ud800"}), event("2", data={"note": "a\0b"}), event("3", subject=odd)]
    assert fields(sent(api, json.dumps(batch))) == [(0, "data.note"), (1, "data.note")]
    answer = api.post("/v1/events?on_error=skip", data=json.dumps(batch), content_type="application/json")
    assert counts(answer) == (1, 0, 0, 2)
    assert [row["subject"] for row in api.every("/v1/events")] == ["\u202e\U0001f600\u00e9"]
    rejected = api.every("/v1/events/rejected")
    assert sorted(row["event"]["data"]["note"] for row in rejected) == ["a\0b", "\ud800"]


def test_skipped_events_are_kept_once_with_their_reasons(api: Api) -> None:
    body = [event("1"), event("2", type=""), {"id": "3"}]
    for accepted, duplicates in ((1, 0), (0, 1)):
        assert counts(api.post("/v1/events?on_error=skip", body)) == (accepted, duplicates, 0, 2)
    rejected = api.every("/v1/events/rejected")
    assert sorted(len(row["errors"]) for row in rejected) == [1, 2]
    assert {error["field"] for row in rejected for error in row["errors"]} == {"type", "subject"}
    assert [row["id"] for row in api.every("/v1/events")] == ["1"]
    assert api.post("/v1/events?on_error=maybe", body).status_code == 422


def test_t36_a_repeat_is_a_duplicate_when_it_says_the_same_and_a_conflict_when_not(api: Api) -> None:
    first = event("1", data={"quantity": "3", "region": "eu"})
    assert counts(api.post("/v1/events", [first, first, event("1", data={})])) == (1, 1, 1, 0)
    same = [
        event("1", time="2026-11-01T01:00:00+01:00", data={"region": "eu", "quantity": 3.0}),
        event("1", source="", data={"quantity": 30e-1, "region": "eu"}),
    ]
    assert counts(api.post("/v1/events", same)) == (0, 2, 0, 0)
    other = [
        first | {"type": "other"}, first | {"subject": "b"}, first | {"time": None}, first | {"data": None},
        first | {"flavour": "x"}, first | {"data": {"quantity": "3"}},
    ]
    answer = api.post("/v1/events", other)
    assert counts(answer) == (0, 0, 6, 0)
    assert answer.json["conflict_ids"] == ["1"]  # type: ignore[index]
    assert counts(api.post("/v1/events", first | {"source": "b"})) == (1, 0, 0, 0)
    assert api.every("/v1/events")[0]["data"] == {"quantity": "3", "region": "eu"}


def test_rule_16_an_event_without_time_is_the_same_when_it_comes_again_later(api: Api) -> None:
    api.clock.to("2026-11-20T12:00:00Z")
    assert counts(api.post("/v1/events", event(time=None))) == (1, 0, 0, 0)
    api.clock.to("2027-11-20T12:00:00Z")
    assert counts(api.post("/v1/events", event(time=None))) == (0, 1, 0, 0)
    assert [row["time"] for row in api.every("/v1/events")] == ["2026-11-20T12:00:00Z"]


def test_source_and_id_do_not_run_into_each_other(api: Api) -> None:
    batch = [event("bc", source="a"), event("c", source="ab"), event("2:abc", source=""), event("abc", source="")]
    assert counts(api.post("/v1/events", batch)) == (4, 0, 0, 0)


def test_a_void_takes_an_event_out_once(api: Api) -> None:
    summed(api)
    api.post("/v1/events", [event("1", data={"quantity": 5}), event("2", source="s", data={"quantity": 7})])
    assert quantity(api) == "12"
    first = api.made("/v1/events/void", {"id": "1"})
    assert first == {"id": "1", "source": "", "voided_at": "2026-11-20T12:00:00Z"}
    api.clock.to("2026-11-21T12:00:00Z")
    assert api.made("/v1/events/void", {"id": "1"}) == first
    assert quantity(api) == "7"
    assert api.post("/v1/events/void", {"id": "2"}).status_code == 404
    assert [row["voided"] for row in api.every("/v1/events")] == [True, False]
    assert counts(api.post("/v1/events", event("1", data={"quantity": 5}))) == (0, 1, 0, 0)
    assert quantity(api) == "7"


def test_a_void_that_is_followed_with_its_event_counts_too(api: Api) -> None:
    summed(api)
    api.post("/v1/events", event("1", data={"quantity": 5}))
    api.made("/v1/events/void", {"id": "1"})
    assert quantity(api) == "0"


def test_an_idempotency_key_gives_the_first_answer_again(api: Api) -> None:
    answers = [api.post("/v1/events", event(), headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [counts(answer) for answer in answers] == [(1, 0, 0, 0)] * 2
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_the_list_is_narrowed_and_paged(api: Api) -> None:
    api.made("/v1/customers", {"key": "acme", "name": "Acme"})
    batch = [event(str(n), type="ab"[n % 2], subject=["acme", "b"][n % 3 == 0], time=f"2026-11-0{n}T00:00:00Z")
             for n in range(1, 8)]
    api.post("/v1/events", batch)
    assert [row["id"] for row in api.every("/v1/events?customer=acme")] == ["1", "2", "4", "5", "7"]
    assert [row["id"] for row in api.every("/v1/events?type=a")] == ["2", "4", "6"]
    narrowed = "/v1/events?from=2026-11-03T00:00:00Z&to=2026-11-05T00:00:00Z"
    assert [row["id"] for row in api.every(narrowed)] == ["3", "4"]
    page = api.get("/v1/events?limit=3").json
    assert page is not None
    api.post("/v1/events", event("8"))
    rest = api.get(f"/v1/events?limit=200&after={page['next']}").json
    assert rest is not None
    assert [row["id"] for row in page["data"] + rest["data"]] == list("12345678")
    assert api.get("/v1/events?customer=nobody").status_code == 404
    assert api.get("/v1/events?after=forged").status_code == 422
    row = page["data"][0]
    assert (row["customer_key"], row["subject"], row["voided"]) == ("acme", "acme", False)
    assert row["received_at"] == "2026-11-20T12:00:00Z"


def test_i12_another_organisation_sees_nothing_and_keeps_its_own_ids(api: Api) -> None:
    stranger = api.stranger()
    summed(api)
    summed(stranger)
    api.post("/v1/events", event("1", data={"quantity": 1}))
    assert stranger.every("/v1/events") == []
    assert stranger.post("/v1/events/void", {"id": "1"}).status_code == 404
    assert counts(stranger.post("/v1/events", event("1", data={"quantity": 2}))) == (1, 0, 0, 0)
    assert (quantity(api), quantity(stranger)) == ("1", "2")


@pytest.mark.parametrize(("scope", "ingest", "void", "read"), [
    ("ingest", 200, 403, 403), ("write", 403, 404, 403), ("read", 403, 403, 200),
])
def test_t46_each_call_needs_its_scope(api: Api, scope: str, ingest: int, void: int, read: int) -> None:
    narrow = api.with_scopes(scope)
    assert narrow.post("/v1/events", event()).status_code == ingest
    assert narrow.post("/v1/events/void", {"id": "nothing"}).status_code == void
    for path in ("/v1/events", "/v1/events/rejected"):
        assert narrow.get(path).status_code == read


def test_rule_17_a_value_that_came_before_its_meter_is_listed_as_unusable(api: Api) -> None:
    batch = [event("1", data={"quantity": "many"}), event("2", data={"quantity": 2}), event("3", data={}), event("4")]
    assert counts(api.post("/v1/events", batch)) == (4, 0, 0, 0)
    summed(api)
    assert quantity(api) == "2"
    [row] = api.every("/v1/events?unusable=true")
    assert row["id"] == "1"
    assert [(one["meter_key"], "must be a number" in one["reason"]) for one in row["unusable"]] == [("calls", True)]


def test_a_filtered_event_is_not_held_against_its_meter(api: Api) -> None:
    summed(api, filter={"region": ["eu"]})
    assert counts(api.post("/v1/events", event("1", data={"region": "us", "quantity": "x"}))) == (1, 0, 0, 0)
    assert fields(api.post("/v1/events", event("2", data={"region": "eu", "quantity": "x"}))) == [(0, "data.quantity")]


@pytest.mark.together
def test_outcomes_are_counted_for_the_operator(api: Api) -> None:
    def counted(outcome: str) -> float:
        [line] = [text for text in api.get("/metrics").get_data(as_text=True).splitlines()
                  if text.startswith(f'farthing_events_total{{outcome="{outcome}"}}')]
        return float(line.split(" ")[1])

    api.post("/v1/events", event("1"))
    before = {outcome: counted(outcome) for outcome in ("accepted", "duplicates", "conflicts", "rejected")}
    batch = [event("1"), event("1", type="x"), event("2"), event("3"), {}]
    counts(api.post("/v1/events?on_error=skip", batch))
    after = {outcome: counted(outcome) - before[outcome] for outcome in before}
    assert after == {"accepted": 2, "duplicates": 1, "conflicts": 1, "rejected": 1}


def test_a_big_batch_is_taken_whole(api: Api) -> None:
    first = [event(str(n), subject=f"s{n % 3000}") for n in range(10_000)]
    assert counts(api.post("/v1/events", first)) == (10_000, 0, 0, 0)
    again = [event(str(n), subject=f"s{n % 3000}") for n in range(5_000, 15_000)]
    assert counts(api.post("/v1/events", again)) == (5_000, 5_000, 0, 0)
