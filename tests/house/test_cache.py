"""What keeps answers current can be forgotten by whoever writes past it."""

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "farthing"
WRITES = re.compile(r"\b(?:insert|update|delete)\(\s*(?:invoices|invoice_lines|invoice_payments)\b")


def test_only_their_store_writes_invoices() -> None:
    """It notes what it changes; a row written past it would be shown as it was for as long as it is kept."""
    writers = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")
        if "versions" not in path.parts and WRITES.search(path.read_text("utf-8"))
    }
    assert writers == {"billing/invoices/store.py", "billing/invoices/settling.py"}
