"""Invoice numbers in what somebody wrote on a transfer (rule 24)."""

import re
import unicodedata
from typing import Final

_GAP: Final = r"[\s\-‐‑‒–—−_./:#]{0,3}"
_NUMBER: Final = re.compile(
    rf"(?<![^\W_])INV{_GAP}(?P<year>\d{{4}}){_GAP}(?P<number>\d{{6,12}})(?![^\W_])(?![-./_]\d)",
    re.ASCII | re.IGNORECASE,
)


def numbers_in(text: str) -> tuple[str, ...]:
    """The invoice numbers anywhere in a text, as they are written on invoices, each once, in order (rule 24).

    Whatever the case and the spaces, dashes or dots around its parts: `inv 2026 000001` is INV-2026-000001. What is
    part of a longer word or number is none, nor what has more zeros in front than a number has.
    """
    found = _NUMBER.finditer(unicodedata.normalize("NFKC", text))
    numbers = (match for match in found if len(match["number"]) == 6 or match["number"][0] != "0")
    return tuple(dict.fromkeys(f"INV-{match['year']}-{match['number']}" for match in numbers))
