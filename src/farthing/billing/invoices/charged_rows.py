"""Taxes and discounts as columns of JSON; amounts in minor units."""

from collections.abc import Sequence
from typing import Any

from farthing.pricing.arithmetic import decimal_from, from_minor, plain, to_minor
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import Discount
from farthing.pricing.taxes import Tax

Stored = list[dict[str, Any]] | None  # Any: JSON; None for none


def taxes_json(taxes: Sequence[Tax], unit: Currency) -> Stored:
    return [
        {
            "rate": tax.rate, "key": tax.key, "name": tax.name, "percent": plain(tax.percent),
            "category": tax.category, "taxable": to_minor(tax.taxable, unit), "amount": to_minor(tax.amount, unit),
            "reason": tax.reason, "inclusive": tax.inclusive,
        }
        for tax in taxes
    ] or None


def taxes_from(stored: Stored, unit: Currency) -> tuple[Tax, ...]:
    return tuple(
        Tax(**each | {
            "percent": decimal_from(each["percent"]), "taxable": from_minor(each["taxable"], unit),
            "amount": from_minor(each["amount"], unit),
        })
        for each in stored or ()
    )


def discounts_json(discounts: Sequence[Discount], unit: Currency) -> Stored:
    return [{"attached": each.coupon, "amount": to_minor(each.amount, unit)} for each in discounts] or None


def discounts_from(stored: Stored, unit: Currency) -> tuple[Discount, ...]:
    return tuple(Discount(each["attached"], from_minor(each["amount"], unit)) for each in stored or ())
