"""Files into the store: once, whatever their size, with what is wrong told by line, on each store."""

import gzip
import io
from collections import Counter
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from farthing.kernel.credentials import operator
from farthing.usage.imports.service import AT_ONCE, Imports
from farthing.usage.imports.values import ImportResult, UnknownFormat
from tests.service.conftest import Api

LINE = '10.0.0.{} - - [01/Nov/2026:00:00:{:02} +0000] "GET / HTTP/1.1" 200 {}'


def imported(api: Api, raw: str | bytes | Path, format: str = "access-log") -> ImportResult:
    file = raw if isinstance(raw, Path) else cast(BinaryIO, io.BytesIO(raw.encode() if isinstance(raw, str) else raw))
    return api.farthing[Imports].import_file(operator(api.organization), file, format)


def outcome(result: ImportResult) -> tuple[int, int, int, int, int]:
    return result.accepted, result.duplicates, result.conflicts, result.rejected, result.skipped


def test_the_same_file_again_adds_nothing_and_a_grown_one_what_is_new(api: Api) -> None:
    lines = [LINE.format(n % 3, n % 10, n % 3) for n in range(60)]
    assert outcome(imported(api, "\n".join(lines[:50]))) == (50, 0, 0, 0, 0)
    assert outcome(imported(api, "\n".join(lines[:50]))) == (0, 50, 0, 0, 0)
    assert outcome(imported(api, gzip.compress("\n".join(lines).encode()))) == (10, 50, 0, 0, 0)
    assert len(api.every("/v1/events")) == 60


def test_bad_rows_are_told_by_line_and_kept_and_stop_nothing(api: Api) -> None:
    text = (
        "id,type,subject,time,quantity\n1,t,acme,2026-11-01T00:00:00Z,1\n2,t,,2026-11-01T00:00:00Z,1\n"
        "3,t,acme,yesterday,1\n4,t,acme\n5,t,acme,2026-11-01T00:00:00Z,2\n1,t,acme,2026-11-01T00:00:00Z,9\n"
    )
    result = imported(api, text, "csv")
    assert outcome(result) == (2, 0, 1, 3, 0)
    assert [(line, message.split(" ")[0]) for line, message in result.errors] == [
        (3, "subject"), (4, "time"), (5, "has"),
    ]
    assert len(api.every("/v1/events/rejected")) == 3
    assert [row["id"] for row in api.every("/v1/events")] == ["1", "5"]


def test_only_the_first_hundred_errors_are_told_one_by_one(api: Api) -> None:
    result = imported(api, "\n".join(f"junk {n}" for n in range(250)))
    assert outcome(result) == (0, 0, 0, 250, 0)
    assert [line for line, _ in result.errors] == list(range(1, 101))
    assert len(api.every("/v1/events/rejected")) == 250


def test_half_a_gzip_file_gives_what_it_holds_and_says_where_it_ends(api: Api) -> None:
    whole = gzip.compress("\n".join(LINE.format(n % 250, n % 60, n * 7919 % 10007) for n in range(5000)).encode())
    result = imported(api, whole[: len(whole) // 2])
    assert 0 < result.accepted < 5000
    assert outcome(result) == (result.accepted, 0, 0, 1, 0)
    assert result.errors[0][0] == result.accepted + 1
    assert "cut off" in result.errors[0][1]
    assert outcome(imported(api, whole)) == (5000 - result.accepted, result.accepted, 0, 0, 0)


def test_progress_is_told_after_each_batch(api: Api) -> None:
    text = "\n".join(LINE.format(1, 1, n) for n in range(2 * AT_ONCE + 1))
    told: list[int] = []
    caller = operator(api.organization)
    api.farthing[Imports].import_file(
        caller, cast(BinaryIO, io.BytesIO(text.encode())), "access-log", "edge", told.append
    )
    assert told == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1]
    assert {row["source"] for row in api.every("/v1/events")} == {"edge"}


def test_lines_of_ndjson_are_judged_as_posted_events_are(api: Api) -> None:
    api.made("/v1/meters", {"key": "m", "name": "M", "event_type": "t", "aggregation": "sum", "value": "v"})
    event = '{{"id":"{}","type":"t","subject":"a","data":{{"v":{}}}}}'
    text = "\n".join([event.format(1, "0.1"), event.format(2, '"x"')])
    result = imported(api, text, "ndjson")
    assert outcome(result) == (1, 0, 0, 1, 0)
    assert result.errors[0][0] == 2
    assert result.errors[0][1].startswith("data.v must be a number")
    assert api.post("/v1/events", {"id": "1", "type": "t", "subject": "a", "data": {"v": "0.10"}}).json == {
        "accepted": 0, "duplicates": 1, "conflicts": 0, "rejected": 0,
    }


def test_an_unknown_format_is_refused(api: Api) -> None:
    with pytest.raises(UnknownFormat, match="parquet"):
        imported(api, b"PAR1", "parquet")


def test_a_real_access_log_counts_as_its_lines_do(api: Api, real_data: Path) -> None:
    file = real_data / "access.log"
    assert outcome(imported(api, file)) == (7000, 0, 0, 0, 0)
    assert outcome(imported(api, file)) == (0, 7000, 0, 0, 0)
    requests, sizes, clients = Counter[str](), Counter[str](), Counter[str]()
    for line in file.read_text("utf-8", "surrogateescape").splitlines():
        day = line.split("[")[1][:2]
        size = line.split('" ')[1].split()[1]
        requests[day] += 1
        clients[line.split(" ")[0]] += 1
        sizes[day] += 0 if size == "-" else int(size)
    for key, more in {"n": {"aggregation": "count"}, "b": {"aggregation": "sum", "value": "bytes"}}.items():
        api.made("/v1/meters", {"key": key, "name": key, "event_type": "http.request", **more})
    days = "from=2015-05-17T00:00:00Z&to=2015-05-21T00:00:00Z&window=day"
    for key, found in (("n", requests), ("b", sizes)):
        rows = dict(api.get(f"/v1/usage?meter={key}&{days}").json or {})["data"]
        wanted = {day: str(found[day]) for day in ("17", "18", "19", "20")}
        assert {row["from"][8:10]: row["value"] for row in rows} == wanted
    client, count = clients.most_common(1)[0]
    api.made("/v1/customers", {"key": client, "name": client})
    rows = dict(api.get(f"/v1/usage?meter=n&customer={client}&{days.replace('day', 'none')}").json or {})["data"]
    assert rows[0]["value"] == str(count)


def test_real_cloud_usage_is_left_whole(api: Api, real_data: Path) -> None:
    file = real_data / "focus_usage.csv"
    result = imported(api, file, "focus")
    assert outcome(result) == (699, 0, 0, 0, 1)
    assert result.errors == [(458, "is a charge of the category Credit, not Usage")]
    assert outcome(imported(api, file, "focus")) == (0, 699, 0, 0, 1)
