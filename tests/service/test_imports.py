"""Files into the store: once, whatever their size, with what is wrong told by line, on each store."""

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from werkzeug.test import TestResponse

from farthing.kernel.credentials import operator
from farthing.usage.imports.reading import AT_ONCE
from farthing.usage.imports.service import Imports
from farthing.usage.imports.values import ImportResult, UnknownFormat
from tests.bucket import Bucket, bucket_served
from tests.service.conftest import Api

CSV = (
    "id,type,subject,time,quantity\n1,t,acme,2026-11-01T00:00:00Z,1\n2,t,,2026-11-01T00:00:00Z,1\n"
    "3,t,acme,yesterday,1\n4,t,acme\n5,t,acme,2026-11-01T00:00:00Z,2\n1,t,acme,2026-11-01T00:00:00Z,9\n"
)
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
    result = imported(api, CSV, "csv")
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
    with pytest.raises(UnknownFormat, match="excel"):
        imported(api, b"PK", "excel")


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


def sent(api: Api, raw: str | bytes, name: str = "usage.csv", **options: Any) -> TestResponse:
    """A file as a browser or curl would send it."""
    file = io.BytesIO(raw.encode() if isinstance(raw, str) else raw)
    return api.post("/v1/imports", data={"file": (file, name), **options.pop("fields", {})}, **options)


def test_a_file_is_imported_once_over_http(api: Api) -> None:
    """The same content again is the first import, whatever it is called."""
    first = sent(api, CSV)
    assert first.status_code == 200
    one = dict(first.json or {})
    assert one | {"id": "", "content": ""} == {
        "id": "", "status": "completed", "name": "usage.csv", "url": None, "format": "csv", "source": None,
        "content": "", "position": 7, "accepted": 2, "duplicates": 0, "conflicts": 1, "rejected": 3, "skipped": 0,
        "error": None, "version": 3, "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z",
        "finished_at": "2026-11-20T12:00:00Z",
    }
    assert first.headers["Location"] == f"/v1/imports/{one['id']}"
    assert api.get(first.headers["Location"]).json == one
    again = sent(api, CSV, "other.csv")
    assert (again.status_code, again.json) == (200, one)
    assert api.every("/v1/imports") == [one]
    grown = dict(sent(api, f"{CSV}6,t,acme,2026-11-01T00:00:00Z,1\n").json or {})
    assert (grown["accepted"], grown["duplicates"], grown["conflicts"]) == (1, 2, 1)
    assert [row["id"] for row in api.every("/v1/events")] == ["1", "5", "6"]
    assert api.stranger().get(first.headers["Location"]).status_code == 404
    assert api.stranger().get(f"{first.headers['Location']}/errors").status_code == 404
    assert dict(sent(api.stranger(), CSV).json or {})["accepted"] == 2


def test_the_report_tells_bad_rows_by_line(api: Api) -> None:
    one = dict(sent(api, CSV).json or {})
    path = f"/v1/imports/{one['id']}/errors"
    report = api.every(path)
    assert [(row["line"], row["message"].split(" ")[0]) for row in report] == [
        (3, "subject"), (4, "time"), (5, "has"),
    ]
    page = dict(api.get(f"{path}?limit=2").json or {})
    assert page["data"] == report[:2]
    assert dict(api.get(f"{path}?after={page['next']}").json or {}) == {"data": report[2:], "next": None}


@pytest.mark.parametrize(("raw", "name", "fields", "status", "field"), [
    ("a,b\n1,2\n", "x.csv", {}, 422, None), ("hello", "x.bin", {}, 422, "format"),
    ("a", "x.csv", {"format": "xml"}, 422, "format"), ("a", "x.csv", {"colour": "red"}, 422, "colour"),
    (b"PAR1 it is not", "x.parquet", {}, 422, None), (",".join(map(str, range(2000))), "x.csv", {}, 413, None),
    ("\0", "x.csv", {"source": "\x07"}, 422, "source"),
])
def test_t54_what_cannot_be_imported_is_refused_at_once(
    api: Api, raw: str | bytes, name: str, fields: dict[str, str], status: int, field: str | None
) -> None:
    refused = sent(api, raw, name, fields=fields)
    assert refused.status_code == status, refused.get_data(as_text=True)
    assert field is None or [error["field"] for error in (refused.json or {})["errors"]] == [field]
    assert api.every("/v1/imports") == []


def test_a_form_without_a_file_or_no_form_at_all_is_refused(api: Api) -> None:
    empty = api.post("/v1/imports", data={"format": "csv"}, content_type="multipart/form-data")
    assert (empty.status_code, (empty.json or {})["errors"][0]["field"]) == (422, "file")
    assert api.post("/v1/imports", data=b"a,b", content_type="text/csv").status_code == 415
    assert sent(api.with_scopes("read"), CSV).status_code == 403


def test_a_retry_of_an_upload_is_answered_once_and_another_file_refused(api: Api) -> None:
    key = {"Idempotency-Key": "one"}
    first, retry = (sent(api, CSV, headers=key) for _ in range(2))
    assert (first.status_code, retry.status_code, first.json) == (202, 202, retry.json)
    assert retry.headers["Idempotent-Replayed"] == "true"
    assert dict(api.get(first.headers["Location"]).json or {})["status"] == "completed"
    assert sent(api, f"{CSV}x", headers=key).status_code == 422


def as_parquet(rows: list[dict[str, Any]], schema: Any) -> bytes:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), out, row_group_size=2)
    return out.getvalue()


def test_parquet_says_what_the_same_rows_say_as_csv(api: Api) -> None:
    """Decimals with all their digits, times to the microsecond, nothing where nothing is."""
    arrow = pytest.importorskip("pyarrow")
    schema = arrow.schema([
        ("id", arrow.string()), ("type", arrow.dictionary(arrow.int32(), arrow.string())), ("subject", arrow.string()),
        ("time", arrow.timestamp("us", "Europe/Berlin")), ("quantity", arrow.decimal128(38, 20)),
        ("ratio", arrow.float64()), ("count", arrow.int64()),
    ])
    time, exact = datetime(2026, 11, 1, 12, 30, 15, 250_000, tzinfo=UTC), "12345678901234567.00000000000000000001"
    rows: list[dict[str, Any]] = [
        {"id": "1", "type": "t", "subject": "acme", "time": time, "quantity": Decimal(exact), "ratio": 0.1,
         "count": 2**62},
        {"id": "2", "type": "t", "subject": None, "time": time, "quantity": None, "ratio": None, "count": None},
        {"id": "3", "type": "t", "subject": "acme", "time": time, "quantity": None, "ratio": 1e-7, "count": 0},
    ]
    one = dict(sent(api, as_parquet(rows, schema), "usage.parquet").json or {})
    assert (one["status"], one["format"], one["accepted"], one["rejected"]) == ("completed", "parquet", 2, 1)
    first, second = api.every("/v1/events")
    assert first["time"] == "2026-11-01T12:30:15.25Z"
    assert first["data"] == {"quantity": exact, "ratio": "0.1", "count": str(2**62)}
    assert second["data"] == {"ratio": "1e-7", "count": "0"}
    assert [row["line"] for row in api.every(f"/v1/imports/{one['id']}/errors")] == [2]
    text = (
        "id,type,subject,time,quantity,ratio,count\n"
        f"1,t,acme,2026-11-01T12:30:15.25Z,{exact},0.1,{2**62}\n"
    )
    again = dict(sent(api, text).json or {})
    assert (again["accepted"], again["duplicates"]) == (0, 1)


@pytest.fixture
def bucket(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of which the organisation may have one folder."""
    pytest.importorskip("boto3")
    with bucket_served() as one:
        for name, value in {
            "AWS_ENDPOINT_URL_S3": one.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        service = api.farthing[Imports]
        own = {api.organization: ["s3://usage/acme/"]}
        monkeypatch.setitem(api.farthing.services, Imports, replace(service, prefixes=own))
        yield one


@pytest.mark.together
def test_an_object_of_a_bucket_is_imported_once_for_each_of_its_versions(api: Api, bucket: Bucket) -> None:
    bucket.objects["usage/acme/november.csv"] = CSV.encode()
    body = {"url": "s3://usage/acme/november.csv"}
    one = dict(api.post("/v1/imports", body).json or {})
    assert (one["status"], one["accepted"], one["url"], one["format"]) == ("completed", 2, body["url"], "csv")
    assert api.post("/v1/imports", body).json == one
    bucket.objects["usage/acme/november.csv"] = f"{CSV}6,t,acme,2026-11-01T00:00:00Z,1\n".encode()
    grown = dict(api.post("/v1/imports", body).json or {})
    assert (grown["accepted"], grown["duplicates"]) == (1, 2)


@pytest.mark.together
@pytest.mark.parametrize(("url", "status"), [
    ("s3://usage/other/november.csv", 422), ("s3://elsewhere/acme/november.csv", 422),
    ("s3://usage/acme/../other/x.csv", 422), ("http://169.254.169.254/latest/meta-data", 422),
    ("file:///etc/passwd", 422), ("s3://usage/acme/missing.csv", 422), ("s3://usage/acme/forbidden.csv", 422),
    ("s3://usage/acme/broken.csv", 503),
])
def test_what_an_organisation_may_not_have_is_not_fetched(api: Api, bucket: Bucket, url: str, status: int) -> None:
    bucket.objects |= {
        "usage/other/november.csv": CSV.encode(), "usage/acme/forbidden.csv": 403, "usage/acme/broken.csv": 500,
    }
    refused = api.post("/v1/imports", {"url": url})
    assert refused.status_code == status, refused.get_data(as_text=True)
    assert (api.every("/v1/imports"), api.every("/v1/events")) == ([], [])
