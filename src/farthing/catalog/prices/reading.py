"""From a price's JSON to the value that is rated, and everything that can be wrong with it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from farthing.catalog.prices.schemas import PriceIn
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import parsed
from farthing.kernel.strict_json import dumps, loads
from farthing.pricing.aggregation import Aggregation
from farthing.pricing.currencies import Currency
from farthing.pricing.prices import Price, violations

Document = Mapping[str, Any]  # Any: JSON


class _One(BaseModel):
    price: PriceIn


class _Stored(BaseModel):
    prices: list[PriceIn]


def price_from(document: object, currency: Currency, aggregation: Aggregation | None = None, at: str = "") -> Price:
    """The price that a JSON document describes, as it was sent or as the catalogue shows it.

    aggregation  of the meter that it names; None leaves what depends on it unchecked
    at           the document's own path in the request, for the fields of the refusal
    raises       Invalid, NotAvailableYet naming each field and rule
    """
    sent = {"price": loads(dumps(document))}
    try:
        price = parsed(_One, sent).price.value()
    except Invalid as refusal:
        raise _moved(refusal, at) from refusal
    refuse(unlawful(price, currency, aggregation, at))
    return price


def unlawful(price: Price, currency: Currency, aggregation: Aggregation | None, at: str) -> list[FieldError]:
    """What makes a price unlawful, as errors of the fields below `at`."""
    found = violations(price, currency, aggregation)
    return [FieldError(f"{at}.{each.field}".lstrip("."), each.message) for each in found]


def refuse(errors: list[FieldError]) -> None:
    """Raises Invalid when there are any."""
    if errors:
        raise Invalid(f"{errors[0].field} {errors[0].message}.", errors)


def _moved(refusal: Invalid, at: str) -> Invalid:
    errors = [FieldError((at + error.field.removeprefix("price")).lstrip("."), error.message)
              for error in refusal.errors]
    return Invalid(f"{errors[0].field or 'The price'} {errors[0].message}.", errors)


@lru_cache(maxsize=1024)
def stored_prices(text: str) -> tuple[tuple[Price, ...], tuple[Document, ...]]:
    """The prices of a stored plan version and their documents. The text says it all, so it is read only once."""
    import json

    read = parsed(_Stored, {"prices": loads(text.encode("utf-8"))}).prices
    return tuple(price.value() for price in read), tuple(json.loads(text))
