"""The use cases of organisations."""

from dataclasses import dataclass, replace
from typing import Any

from farthing.identity.organizations.schemas import OrganizationIn
from farthing.identity.organizations.store import OrganizationStore
from farthing.identity.organizations.values import Organization, OrganizationNotFound, Sandbox
from farthing.identity.test_clocks.store import ClockStore
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId, is_id
from farthing.kernel.problems import Conflict
from farthing.kernel.schemas import merged, parsed, resent
from farthing.kernel.web import UNCONDITIONAL, Precondition


class NameAmbiguous(Conflict):
    """Several organisations have this name."""


@dataclass(frozen=True, slots=True)
class Organizations:
    """Tenants: made by the operator, read and changed by their own administrators."""

    database: Database
    now: Clock
    new_id: NewId

    def create(self, name: str, sandbox: Sandbox | None = None, **fields: object) -> Organization:
        """Make a tenant with defaults for all that is not said; raises Invalid.

        sandbox  with a clock of its own, which stands still until it is moved; None for one that lives by the real time
        """
        body = parsed(OrganizationIn, {"name": name, **fields})
        now = self.now("")
        organization = Organization(
            id=self.new_id("org", now), sandbox=sandbox is not None, invoice_rules="none", version=1, created_at=now,
            updated_at=now, **_settable(body),
        )
        with self.database.write() as connection:
            OrganizationStore(connection).add(organization)
            if sandbox is not None:
                ClockStore(connection).add(organization.id, sandbox.time or now)
        return organization

    def get(self, organization_id: str) -> Organization:
        """Raises OrganizationNotFound."""
        with self.database.read() as connection:
            return _found(OrganizationStore(connection).get(organization_id), organization_id)

    def first(self) -> Organization:
        """The oldest one, made on the first start; with it everybody can begin at once."""
        with self.database.read() as connection:
            found = OrganizationStore(connection).first()
        if found is not None:
            return found
        with self.database.write() as connection:
            return OrganizationStore(connection).first() or self.create("My organization")

    def all(self) -> list[Organization]:
        """Every one, oldest first: for the operator."""
        with self.database.read() as connection:
            return OrganizationStore(connection).all()

    def named(self, reference: str) -> Organization:
        """By id or name; raises OrganizationNotFound, NameAmbiguous."""
        with self.database.read() as connection:
            store = OrganizationStore(connection)
            if is_id(reference, "org"):
                return _found(store.get(reference), reference)
            found = store.named(reference)
        if len(found) > 1:
            raise NameAmbiguous(f"Several organisations are named {reference}; give the id.")
        return _found(found[0] if found else None, reference)

    def update(self, caller: Caller, patch: object, precondition: Precondition = UNCONDITIONAL) -> Organization:
        """Lay a JSON merge patch over the caller's organisation; raises Invalid, Stale."""
        with self.database.write() as connection:
            store = OrganizationStore(connection)
            current = _found(store.get(caller.organization, lock=True), caller.organization)
            precondition.demand(current.version)
            body = parsed(OrganizationIn, merged(resent(OrganizationIn, current), patch))
            changed = replace(
                current, version=current.version + 1, updated_at=self.now(current.id), **_settable(body)
            )
            store.save(changed)
        return changed


def _found(organization: Organization | None, reference: str) -> Organization:
    if organization is None:
        raise OrganizationNotFound(reference)
    return organization


def _settable(body: OrganizationIn) -> dict[str, Any]:  # Any: the fields of Organization
    fields = body.model_dump(exclude_none=False)
    fields["tax_ids"] = tuple(fields["tax_ids"])
    for part in ("address", "bank"):
        if fields[part] is not None:
            fields[part] = {name: value for name, value in fields[part].items() if value is not None}
    return fields
