"""Files that nobody here wrote: cloud billing in FOCUS columns, and a web server's log."""

import csv
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from pathlib import Path

import pytest

from tests.system.program import Program

CENT = Decimal("0.01")


def list_prices(file: Path) -> dict[str, Decimal]:
    """PricingQuantity x ListUnitPrice of September's usage by sub-account, with every digit."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with localcontext(Context(prec=200)), file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            if row["ChargeCategory"] == "Usage" and row["ChargePeriodStart"].startswith("2024-09"):
                sums[row["SubAccountId"]] += Decimal(row["PricingQuantity"]) * Decimal(row["ListUnitPrice"])
    return sums


def test_a_months_cloud_usage_is_billed_to_the_last_digit(program: Program, real_data: Path) -> None:
    file = real_data / "focus_usage.csv"
    wanted = list_prices(file)
    program.run("import", str(file), "--format", "focus", "--with-catalogue")
    program.run("bill-run", "--as-of", "2024-10-02T00:00:00Z")
    answer = program.json("invoices", "list")
    assert answer["next"] is None
    invoices = {one["customer"]["key"]: one for one in answer["data"]}
    assert len(answer["data"]) == len(invoices) == len(wanted)
    for account, exact in wanted.items():
        [line] = invoices[account]["lines"]
        assert Decimal(invoices[account]["total"]) == exact.quantize(CENT, ROUND_HALF_UP)
        assert line["reason"] == "usage"
    assert sorted(one["number"][-6:] for one in invoices.values()) == [f"{n:06d}" for n in range(1, len(wanted) + 1)]
    largest = max(wanted, key=lambda account: wanted[account])
    [explained] = program.json("invoices", "explain", invoices[largest]["id"])
    assert Decimal(explained["exact"]) == wanted[largest]
    again = program.json("import", str(file), "--format", "focus", "--with-catalogue")
    assert (again["accepted"], again["duplicates"], again["skipped"]) == (0, 699, 1)
    assert program.json("bill-run", "--as-of", "2024-10-02T00:00:00Z")["invoices"] == 0
    assert program.json("invoices", "list") == answer


@pytest.mark.slow
def test_every_line_is_explained_to_the_last_digit(program: Program, real_data: Path) -> None:
    file = real_data / "focus_usage.csv"
    program.run("import", str(file), "--format", "focus", "--with-catalogue")
    program.run("bill-run", "--as-of", "2024-10-02T00:00:00Z")
    program.start()
    wanted = list_prices(file)
    for invoice in program.every("/v1/invoices"):
        [line] = invoice["lines"]
        explained = program.get(f"/v1/invoices/{invoice['id']}/lines/{line['id']}/explain?limit=200")
        assert Decimal(explained["exact"]) == wanted[invoice["customer"]["key"]]
        assert explained["aggregate"]["events"] == len(explained["events"]["data"])


@pytest.mark.slow
def test_an_access_log_counts_as_its_lines_do(program: Program, real_data: Path) -> None:
    file = real_data / "access.log"
    first = program.json("import", str(file), "--format", "access-log")
    assert {name: first[name] for name in ("accepted", "duplicates", "conflicts", "rejected")} == {
        "accepted": 7000, "duplicates": 0, "conflicts": 0, "rejected": 0,
    }
    again = program.json("import", str(file), "--format", "access-log")
    assert (again["accepted"], again["duplicates"]) == (0, 7000)
    lines, sizes = Counter[str](), Counter[str]()
    for text in file.read_text("utf-8", "replace").splitlines():
        address, size = text.split()[0], text.split('"')[2].split()[1]
        lines[address] += 1
        sizes[address] += int(size) if size.isdigit() else 0
    program.start()
    meters = {"requests": {"aggregation": "count"}, "bytes": {"aggregation": "sum", "value": "bytes"}}
    for key, aggregation in meters.items():
        program.post("/v1/meters", {"key": key, "name": key, "event_type": "http.request", **aggregation})
    span = "from=2015-05-17T00:00:00Z&to=2015-05-21T00:00:00Z&window=none"
    for address, count in lines.most_common(20):
        program.post("/v1/customers", {"key": address, "name": address})
        for key, wanted in (("requests", count), ("bytes", sizes[address])):
            [found] = program.get(f"/v1/usage?customer={address}&meter={key}&{span}")["data"]
            assert found["value"] == str(wanted)
