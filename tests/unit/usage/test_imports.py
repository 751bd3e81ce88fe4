"""Reading files as streams: each format's rows, odd ones with their line numbers, and names for lines without ids."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from farthing.kernel.strict_json import JsonNumber
from farthing.usage.events.checks import Rules, checked
from farthing.usage.events.values import Event
from farthing.usage.imports import access_log, focus, ndjson, tables
from farthing.usage.imports.files import LONGEST_LINE, Names, lines, opened
from farthing.usage.imports.reading import detected
from farthing.usage.imports.values import BadFile, Reader, Row, TooManyColumns

COMBINED = '{} - frank [17/May/2015:10:05:03 +0200] "{}" 200 {} "http://a.example/" "Mozilla/5.0 \\"x\\""'
FOCUS = "SubAccountId,ChargePeriodStart,PricingQuantity,ChargeCategory,SkuPriceId,ListUnitPrice,BillingCurrency"


def rows(read: Reader, text: str | bytes, source: str | None = None) -> list[Row]:
    return list(read(io.BytesIO(text.encode() if isinstance(text, str) else text), source))


def events(read: Reader, text: str | bytes, source: str | None = None) -> list[dict[str, Any]]:
    found = rows(read, text, source)
    assert all(row.problem is None and row.left_out is None for row in found), found
    return [cast("dict[str, Any]", row.value) for row in found]


def test_a_combined_line_is_a_request_of_its_client() -> None:
    [event] = events(access_log.read, COMBINED.format("83.149.9.216", "GET /a?b=c HTTP/1.1", 203023))
    assert event["data"] == {
        "method": "GET", "path": "/a?b=c", "status": "200", "bytes": "203023", "referrer": "http://a.example/",
        "agent": 'Mozilla/5.0 \\"x\\"',
    }
    assert (event["type"], event["subject"], event["source"]) == ("http.request", "83.149.9.216", "access-log")
    checked_event, errors = checked(event, Rules(False, True, datetime(2026, 1, 1, tzinfo=UTC), {}))
    assert errors == []
    assert isinstance(checked_event, Event)
    assert checked_event.time == datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC)


def test_a_common_line_has_no_referrer_and_a_dash_no_size() -> None:
    [event] = events(access_log.read, '::1 - - [01/Jan/2026:00:00:00 +0000] "POST / HTTP/2" 304 -\n', "edge")
    assert event["data"] == {"method": "POST", "path": "/", "status": "304"}
    assert event["source"] == "edge"


@pytest.mark.parametrize(("request_line", "known"), [
    ("-", {}), ("", {}), ("\\x16\\x03\\x01", {}), ("GET", {"method": "GET"}),
    ("GET /old", {"method": "GET", "path": "/old"}),
    ("GET /a b HTTP/1.0", {"method": "GET", "path": "/a b"}), ("get / HTTP/1.1", {}),
    ("OPTIONS * HTTP/1.1", {"method": "OPTIONS", "path": "*"}),
])
def test_a_malformed_request_line_says_what_it_can(request_line: str, known: dict[str, str]) -> None:
    [event] = events(access_log.read, COMBINED.format("10.0.0.1", request_line, "-"))
    assert {name: event["data"][name] for name in ("method", "path") if name in event["data"]} == known


@pytest.mark.parametrize("line", [
    "hello", '1.2.3.4 - - [32/Foo/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1',
    '1.2.3.4 - - [17/May/2015:10:05:03] "GET / HTTP/1.1" 200 1',
    '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / 200 1',
    "[" * 100_000, '"' * 100_000,
])
def test_what_is_no_log_line_is_told_by_its_number(line: str) -> None:
    found = rows(access_log.read, f"{COMBINED.format('a', 'GET / HTTP/1.1', 1)}\n\n{line}\n")
    assert [(row.line, row.problem is None) for row in found] == [(1, True), (3, False)]


def test_equal_lines_are_different_events_and_the_same_ones_again_in_a_grown_file() -> None:
    one, other = COMBINED.format("a", "GET / HTTP/1.1", 1), COMBINED.format("b", "GET / HTTP/1.1", 1)
    first = [event["id"] for event in events(access_log.read, "\n".join([one, other, one]))]
    grown = [event["id"] for event in events(access_log.read, "\n".join([one, other, one, one, other]))]
    assert len(set(grown)) == 5
    assert grown[:3] == first


def test_a_table_has_attributes_and_properties_with_every_digit() -> None:
    text = (
        "id,type,subject,time,quantity,region,source\n"
        '1,t,acme,2026-11-01T00:00:00Z,0.10,"a ""b"", c\nd",s\n'
        ",t,acme,,1e3,,\n"
    )
    one, other = events(tables.read, text, "file")
    assert one == {
        "id": "1", "type": "t", "subject": "acme", "time": "2026-11-01T00:00:00Z", "source": "s",
        "data": {"quantity": "0.10", "region": 'a "b", c\nd'},
    }
    assert other.pop("id").endswith("-1")
    assert other == {"type": "t", "subject": "acme", "source": "file", "data": {"quantity": "1e3"}}


@pytest.mark.parametrize("text", [
    "type;subject;q\nt;a,b;1\n", "type\tsubject\tq\nt\ta,b\t1\n", '\ufefftype,subject,q\r\nt,"a,b",1\r\n',
    'type,subject,q\rt,"a,b",1\r',
])
def test_t54_tables_come_with_other_separators_line_ends_and_a_byte_order_mark(text: str) -> None:
    [event] = events(tables.read, text)
    assert (event["subject"], event["data"]) == ("a,b", {"q": "1"})


def test_t54_bad_rows_are_told_by_the_number_of_their_first_line() -> None:
    text = (
        'type,subject,note\nt,a,"two\nlines"\nt,a\nt,a,b,c\n'
        f't,a,"x"y\nt,a,{"z" * (LONGEST_LINE + 5)}\nt,a,last\n'
    )
    found = rows(tables.read, text)
    assert [(row.line, row.problem) for row in found if row.problem] == [
        (4, "has 2 cells, the header 3"), (5, "has 4 cells, the header 3"),
        (6, "is no CSV: ',' expected after '\"'"), (7, f"is longer than {LONGEST_LINE} characters"),
    ]
    assert [row.line for row in found if not row.problem] == [2, 8]


@pytest.mark.parametrize(("text", "why"), [
    ("", "header"), ("\n", "header"), ("a,,b\n1,2,3\n", "header"), ("type,subject,x,x\n1,2,3,4\n", "more than once"),
    (",".join(str(n) for n in range(100_000)), "100000 columns"), ("type,quantity\nt,1\n", "no column subject"),
    ("subject,quantity\nt,1\n", "no column type"),
])
def test_t54_a_table_without_a_header_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises((BadFile, TooManyColumns), match=why):
        rows(tables.read, text)


def test_t54_bytes_that_are_no_text_reach_the_checks_as_what_no_store_can_hold() -> None:
    [row] = rows(tables.read, b"type,subject,note\nt,a,\xff\n")
    _, errors = checked(row.value, Rules(False, True, datetime(2026, 1, 1, tzinfo=UTC), {}))
    assert [error.field for error in errors] == ["data.note"]
    [nul] = rows(access_log.read, COMBINED.format("a", "GET /\0 HTTP/1.1", 1))
    assert checked(nul.value, Rules(False, True, datetime(2026, 1, 1, tzinfo=UTC), {}))[0] is None


def test_ndjson_lines_are_events_as_they_are_posted() -> None:
    text = '{"id": "1", "data": {"q": 1.50}}\n\n{"id": "2", "source": "own"}\n{"id": NaN}\n[1, 2\n'
    found = rows(ndjson.read, text, "file")
    assert [row.line for row in found] == [1, 3, 4, 5]
    assert found[0].value == {"id": "1", "data": {"q": JsonNumber("1.50")}, "source": "file"}
    assert cast("dict[str, str]", found[1].value)["source"] == "own"
    assert [row.problem is not None for row in found] == [False, False, True, True]


def test_focus_rows_are_usage_of_their_sub_account() -> None:
    text = (
        f"{FOCUS}\n1,2024-09-18 22:00:00,2.00000000000,Usage,SKU.1,0.0000004,USD\n"
        "1,2024-09-18T22:00:00+0530,1,Usage,NULL,,USD\n2,2024-09-01 00:00:00,1,Credit,SKU.1,0.1,USD\n"
        "NULL,soon,1,Usage,SKU.1,0.1,USD\n"
    )
    found = rows(focus.read, text)
    one, other, _, last = (cast("dict[str, Any]", row.value) for row in found)
    assert (one["type"], one["source"], one["subject"]) == ("focus.usage", "focus", "1")
    assert one["time"] == "2024-09-18T22:00:00Z"
    assert one["data"] == {
        "quantity": "2.00000000000", "SkuPriceId": "SKU.1", "ListUnitPrice": "0.0000004", "BillingCurrency": "USD",
    }
    assert other["time"] == "2024-09-18T22:00:00+05:30"
    assert other["data"] == {"quantity": "1", "BillingCurrency": "USD"}
    assert [row.left_out for row in found] == [None, None, "is a charge of the category Credit, not Usage", None]
    assert "subject" not in last
    assert last["time"] == "soon"
    with pytest.raises(BadFile, match="no column ChargePeriodStart"):
        rows(focus.read, "SubAccountId\n1\n")


def test_a_focus_file_says_what_it_needs_to_be_billed() -> None:
    text = (
        f"{FOCUS},SubAccountName\n7,2024-09-18 22:00:00,2,Usage,B,0.5,USD,Seven\n"
        "7,2024-08-31 23:00:00,1,Usage,A,0.25,USD,x\n"
        "8,2024-10-01 00:00:00,1,Usage,B,0.5,USD,NULL\n9,2024-01-01 00:00:00,1,Credit,C,1,EUR,Nine\n"
    )
    plan = focus.focus_catalogue(focus.focus_rows(io.BytesIO(text.encode())))
    assert [(one["key"], one["name"]) for one in plan.customers] == [("7", "Seven"), ("8", "8")]
    [price] = plan.plan["prices"]
    assert price["cells"] == [
        {"values": ["A", "0.25"], "unit_amount": "0.25"}, {"values": ["B", "0.5"], "unit_amount": "0.5"},
    ]
    assert (plan.currency, plan.first_month, price["meter"]) == ("USD", "2024-08-01T00:00:00Z", plan.meter["key"])
    with pytest.raises(BadFile, match="EUR, USD"):
        focus.focus_catalogue(focus.focus_rows(io.BytesIO(text.replace("0.5,USD,NULL", "0.5,EUR,x").encode())))


def test_files_may_be_compressed_and_are_told_by_their_names(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "b.LOG.gz"
    plain.write_text(f"{FOCUS}\n")
    packed.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert (detected(plain), detected(packed), detected(tmp_path / "x.bin")) == ("focus", "access-log", None)
    with opened(packed) as stream:
        assert list(lines(stream)) == [(1, b"one"), (2, b"two")]
    with opened(cast(BinaryIO, io.BytesIO(packed.read_bytes()))) as stream:
        assert stream.read() == b"one\ntwo\n"


def test_t54_a_line_of_any_length_costs_no_more_than_the_longest_allowed() -> None:
    def endless() -> Iterator[bytes]:
        yield from [b"x" * 65536] * 1_000  # 64 MB without a line end
        yield b"\nlast\n"

    class Stream(io.RawIOBase):
        parts = endless()

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:  # Any: whatever can be written to
            part = next(self.parts, b"")[: len(buffer)]
            buffer[: len(part)] = part
            return len(part)

    tracemalloc.start()
    found = list(lines(cast(BinaryIO, io.BufferedReader(Stream(), 65536))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(1, None), (2, b"last")]
    assert peak < 8 * LONGEST_LINE


def test_names_of_different_lines_differ() -> None:
    names = Names()
    assert len({names.name(json.dumps(n % 50).encode()) for n in range(200)}) == 200
