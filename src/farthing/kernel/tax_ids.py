"""Numbers that tax offices know parties by: those whose kind is known are checked, digit by digit."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Final

# by type: the module of python-stdnum, and what such a number is called
KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "eu_vat": ("stdnum.eu.vat", "VAT number of an EU country such as DE136695976"),
    "gb_vat": ("stdnum.gb.vat", "British VAT number"),
    "ch_vat": ("stdnum.ch.vat", "Swiss VAT number"),
    "no_vat": ("stdnum.no.mva", "Norwegian VAT number"),
    "in_gst": ("stdnum.in_.gstin", "Indian GSTIN"),
    "au_abn": ("stdnum.au.abn", "Australian business number"),
    "us_ein": ("stdnum.us.ein", "American employer identification number"),
    "ca_bn": ("stdnum.ca.bn", "Canadian business number"),
    "br_cnpj": ("stdnum.br.cnpj", "Brazilian CNPJ"),
    "mx_rfc": ("stdnum.mx.rfc", "Mexican RFC"),
}
NATIONAL: Final = re.compile(r"([a-z]{2})_vat")


def fault(kind: str, value: str) -> str | None:
    """Why this is no such number, in words; None where it is one, or nobody knows what makes one."""
    if kind in KNOWN:
        module, name = KNOWN[kind]
        return None if import_module(module).is_valid(value) else f"must be a {name}; its check digits do not fit"
    if match := NATIONAL.fullmatch(kind):
        from stdnum import get_cc_module

        checks = get_cc_module(match[1], "vat")
        if checks is not None and not checks.is_valid(value):
            return f"must be a VAT number of {match[1].upper()}; its check digits do not fit"
    return None
