"""What a document says in a language: labels of its catalogue, numbers and dates as its locale writes them."""

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern

from farthing.pricing.currencies import Currency, currency

BARE_CODE: Final = re.compile(r"(?<=[A-Z])(?=\d)")  # a currency without a sign in the locale, right before its figure


@dataclass(frozen=True, slots=True)
class Language:
    """A locale with its catalogue; labels without a translation are in English."""

    locale: Locale
    labels: Mapping[str, str]

    def __call__(self, label: str) -> str:
        return self.labels.get(label) or label

    def date(self, day: date) -> str:
        return format_date(day, "medium", locale=self.locale)

    def number(self, value: Decimal, decimals: int | None = None) -> str:
        """With at least so many decimals; every digit is shown."""
        exponent = value.normalize().as_tuple().exponent
        own = max(0, -exponent) if isinstance(exponent, int) else 0
        digits = max(own, decimals or 0)
        return _written(self.locale.decimal_formats[None], value, self.locale, digits)

    def amount(self, value: Decimal, unit: Currency) -> str:
        return self.number(value, unit.decimals)

    def money(self, value: Decimal, code: str) -> str:
        """With the currency's sign, and the decimals that ISO 4217 gives it."""
        pattern = self.locale.currency_formats["standard"]
        written = _written(pattern, value, self.locale, currency(code).decimals, code)
        return BARE_CODE.sub("\N{NO-BREAK SPACE}", written)


def _written(pattern: NumberPattern, value: Decimal, locale: Locale, decimals: int, code: str | None = None) -> str:
    """In the locale's own pattern, with as many decimals as told and not as it has."""
    exact = copy(pattern)
    exact.frac_prec = (decimals, decimals)
    return str(exact.apply(value, locale, currency=code, currency_digits=False))


def language(name: str) -> Language:
    """The language of a locale such as `de-AT`."""
    locale = Locale.parse(name, sep="-" if "-" in name else "_")
    return Language(locale, _labels(locale.language))


@cache
def _labels(name: str) -> Mapping[str, str]:
    place = files("farthing.documents").joinpath("catalogues", f"{name}.po")
    if not place.is_file():
        return {}
    with place.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id and one.string}
