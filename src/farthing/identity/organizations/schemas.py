"""Organisations over the wire."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from farthing.identity.organizations.values import Organization
from farthing.kernel.parties import (
    AddressSchema,
    BankSchema,
    CurrencyCode,
    Days,
    Email,
    LocaleName,
    TaxIdSchema,
    TimeZone,
)
from farthing.kernel.schemas import InstantOut, Integer, Line, Schema, Shown


class OrganizationIn(Schema):
    """All that may be set; PATCH takes any part of it."""

    later: ClassVar[Mapping[str, object]] = {"invoice_rules": "none"}
    name: Line
    legal_name: Line | None = None
    address: AddressSchema | None = None
    tax_ids: Annotated[list[TaxIdSchema], Field(max_length=10)] = []
    email: Email | None = None
    timezone: TimeZone = "UTC"
    currency: CurrencyCode = "USD"
    locale: LocaleName = "en"
    grace_seconds: Annotated[Integer, Field(ge=0, le=90 * 86400)] = 3600
    payment_terms_days: Days = 30
    bank: BankSchema | None = None
    unique_emails: bool = True


class OrganizationOut(Shown):
    """An organisation."""

    id: str
    name: str
    legal_name: str | None
    address: dict[str, str] | None
    tax_ids: list[dict[str, str]]
    email: str | None
    timezone: str
    currency: str
    locale: str
    grace_seconds: int
    payment_terms_days: int
    bank: dict[str, str] | None
    invoice_rules: Literal["none"]
    unique_emails: bool
    sandbox: bool
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, organization: Organization) -> "OrganizationOut":
        return cls.model_validate(organization, from_attributes=True)
