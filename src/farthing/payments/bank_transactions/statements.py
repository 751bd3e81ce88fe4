"""From the body of a request to the transfers in it: JSON, or CSV with a header."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from farthing.kernel.problems import FieldError, Invalid, Malformed, NotAvailableYet, TooLarge, WrongMediaType
from farthing.kernel.schemas import parsed
from farthing.payments.bank_transactions.schemas import BODIES, COLUMNS, BankTransactionIn
from farthing.payments.bank_transactions.values import MOST_AT_ONCE, BadStatement

MOST_BYTES: Final = 10 * 1024 * 1024
JSON: Final = "application/json"
XML: Final = ("application/xml", "text/xml", "application/camt.053+xml")
MOST_ERRORS: Final = 100  # told of one statement
DELIMITERS: Final = (";", "\t", ",")


@dataclass(frozen=True, slots=True)
class Sent:
    """A transfer as it was sent, and where it stands: `line 3`; "" where its index says it."""

    values: object
    place: str = ""


def sent_json(value: object) -> list[Sent]:
    """One transfer, an array of them, or `{"transactions": [...]}`; raises Invalid."""
    if isinstance(value, dict) and "transactions" in value:
        if unknown := [name for name in value if name != "transactions"]:
            raise Invalid(f"{unknown[0][:80]} is unknown here.", [FieldError(unknown[0][:80], "is unknown here")])
        value = value["transactions"]
        if not isinstance(value, list):
            raise Invalid("transactions must be an array.", [FieldError("transactions", "must be an array")])
    return [Sent(one) for one in (value if isinstance(value, list) else [value])]


def sent_csv(mimetype: str, raw: bytes) -> list[Sent]:
    """The lines below a header, with commas, semicolons or tabs; empty cells say nothing.

    raises WrongMediaType, NotAvailableYet for camt.053, Malformed, BadStatement for columns that are unknown
    """
    if mimetype in XML:
        raise NotAvailableYet("A statement in camt.053")
    if mimetype != "text/csv":
        taken = ", ".join(BODIES)
        raise WrongMediaType(f"The body's media type is {mimetype or 'none'}; this call takes {taken}.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"The statement is not UTF-8: {error.reason} at byte {error.start}.") from error
    if "\0" in text:
        raise Malformed("The statement contains the character NUL.")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(lines, [])]
        _check_header(header)
        return [Sent(_row(header, cells), f"line {lines.line_num}") for cells in lines if any(map(str.strip, cells))]
    except csv.Error as error:
        raise Malformed(f"Line {lines.line_num} of the statement is not CSV: {error}.") from error


def _delimiter(text: str) -> str:
    """The one of the header, which has no other in its names."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(DELIMITERS, key=header.count)


def _check_header(header: Sequence[str]) -> None:
    wrong = [FieldError(name[:80] or "header", "is no column of a statement") for name in header if name not in COLUMNS]
    wrong += [FieldError(name[:80], "is there twice") for name in dict.fromkeys(header) if header.count(name) > 1]
    if wrong:
        raise BadStatement(f"{wrong[0].field} {wrong[0].message}; known are {', '.join(COLUMNS)}.", wrong)


def _row(header: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | None:  # Any: as JSON would have it
    """The cells that say something, by column; None where there are more of them than columns."""
    if len(cells) > len(header) and any(map(str.strip, cells[len(header) :])):
        return None
    said = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    parts = {name: said.pop(f"counterparty_{name}", None) for name in ("name", "iban")}
    return said | {"counterparty": {name: text for name, text in parts.items() if text}}


def checked(sent: Sequence[Sent]) -> list[BankTransactionIn]:
    """The transfers, all of them good; raises BadStatement naming each bad one, TooLarge, NotAvailableYet."""
    if len(sent) > MOST_AT_ONCE:
        raise TooLarge(f"The statement has {len(sent)} transfers; the most is {MOST_AT_ONCE}.")
    good: list[BankTransactionIn] = []
    errors: list[FieldError] = []
    for index, one in enumerate(sent):
        try:
            if one.values is None:
                raise Invalid("", [FieldError("line", "has more cells than the header has columns")])
            good.append(_named_once(parsed(BankTransactionIn, one.values)))
        except Invalid as error:
            place = f" ({one.place})" if one.place else ""
            errors += [FieldError(each.field, each.message + place, index) for each in error.errors]
    refuse(errors)
    return good


def refuse(errors: Sequence[FieldError]) -> None:
    """Raises BadStatement where there are errors."""
    if errors:
        first = errors[0]
        told = f"Transfer {first.index}: {first.field} {first.message}; nothing of the statement was stored."
        raise BadStatement(told, errors[:MOST_ERRORS])


def _named_once(one: BankTransactionIn) -> BankTransactionIn:
    if one.id is not None and one.reference_id is not None and one.id != one.reference_id:
        message = "is not the same as id, and both are what the bank calls the transfer"
        raise Invalid(f"reference_id {message}.", [FieldError("reference_id", message)])
    return one

