"""Documents a second: pages of twenty lines set as PDF/A-3, with the compiler kept and with a new one for each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from farthing.bench.figures import ROUNDS, Figure, Round, figure, per_second, require
from farthing.documents import typesetting
from farthing.documents.page import CARRIED_FROM, LABELS
from farthing.documents.typesetting import typeset

LINES: Final = 20
ISSUED: Final = datetime(2026, 6, 1, tzinfo=UTC).isoformat()


def pdf(folder: Path, rows: int) -> list[Figure]:
    """On one thread beside a new compiler for each document, and on two beside one."""
    pages = [_page(number) for number in range(rows)]
    alone, both = [], []
    for _ in range(ROUNDS):
        kept = per_second(rows, lambda: list(map(_set, pages)))
        with ThreadPoolExecutor(1) as thread:
            fresh = per_second(rows, lambda: [thread.submit(_set_anew, one).result() for one in pages])
        with ThreadPoolExecutor(2) as threads:
            two = per_second(rows, lambda: list(threads.map(_set, pages)))
        alone.append(Round(kept, (fresh,)))
        both.append(Round(two, (kept,)))
    name = f"pdf: {rows:,} invoices of {LINES} lines"
    return [
        figure(f"{name}, one thread", "documents", ("the same with a new compiler for each",), alone),
        figure(f"{name}, two threads", "documents", ("the same on one thread",), both),
    ]


def _set(page: dict[str, Any]) -> bytes:
    made = typeset(page)
    require(made[:5], b"%PDF-", "a document")
    return made[:5]


def _set_anew(page: dict[str, Any]) -> bytes:
    typesetting.forget()
    return _set(page)


def _page(number: int) -> dict[str, Any]:  # Any: JSON
    return {
        "language": "en", "title": "Invoice", "number": f"INV-2026-{number:06}", "issued_at": ISSUED,
        "seller": {"name": "Seller", "rows": ["Way 1"]}, "buyer": {"name": f"Buyer {number}", "rows": ["Way 2"]},
        "facts": [("Due", "Jul 1, 2026")], "carried": LINES > CARRIED_FROM, "totals": [("Amount due", "$25.00")],
        "taxes": [("VAT", "19 %", "21.01", "3.99")], "notes": [], "bank": [], "code": None,
        "labels": LABELS | {"currency": "USD"}, "lines": [
            {"description": f"Position {line} of {number}", "quantity": "1", "unit": "1.25", "amount": "1.25",
             "period": "May 1 - May 31, 2026", "sum": f"{line * 1.25:.2f}"} for line in range(1, LINES + 1)
        ],
    }
