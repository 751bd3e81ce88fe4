"""The pieces of a party's description over the wire: what organisations and customers have alike."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from farthing.kernel.schemas import Integer, Line, Schema
from farthing.kernel.tax_ids import fault
from farthing.pricing.currencies import UnknownCurrency, currency


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())  # which looks through folders: too slow for every customer


def _timezone(name: str) -> str:
    if name not in _timezones():
        raise PydanticCustomError("timezone", 'must be an IANA time zone such as "Europe/Berlin"')
    return name


def _currency(code: str) -> str:
    try:
        return currency(code).code
    except UnknownCurrency as error:
        raise PydanticCustomError("currency", 'must be an ISO 4217 code in capitals such as "USD"') from error


def _locale(name: str) -> str:
    try:
        Locale.parse(name, sep="-" if "-" in name else "_")
    except (UnknownLocaleError, ValueError) as error:
        raise PydanticCustomError("locale", 'must be a locale such as "en" or "de-AT"') from error
    return name


def _tax_id(value: str, info: ValidationInfo) -> str:
    if (why := fault(info.data.get("type", ""), value)) is not None:
        raise PydanticCustomError("tax_id", "{why}", {"why": why})
    return value


TimeZone = Annotated[str, AfterValidator(_timezone)]
CurrencyCode = Annotated[str, AfterValidator(_currency)]
LocaleName = Annotated[str, AfterValidator(_locale)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+$")]
Days = Annotated[Integer, Field(ge=0, le=3650)]


class AddressSchema(Schema):
    """A postal address; the country is an ISO 3166 code."""

    line1: Line | None = None
    line2: Line | None = None
    city: Line | None = None
    region: Line | None = None
    postal_code: Line | None = None
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = None


class TaxIdSchema(Schema):
    """A number that a tax office knows somebody by, checked where its type is known: `eu_vat`, `gb_vat`, ..."""

    type: Line
    value: Annotated[Line, AfterValidator(_tax_id)]


class BankSchema(Schema):
    """Where customers pay to."""

    iban: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$")] | None = None
    bic: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")] | None = None
