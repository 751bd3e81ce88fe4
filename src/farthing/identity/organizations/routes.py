"""The organisation over HTTP."""

from farthing.identity.organizations.schemas import OrganizationOut
from farthing.identity.organizations.service import Organizations
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Routes, precondition, provided

routes = Routes("organization")


@routes.get("/v1/organization", scope=Scope.READ, answer=OrganizationOut)
def get_organization(caller: Caller) -> OrganizationOut:
    """The organisation that the credential belongs to."""
    return OrganizationOut.of(provided(Organizations).get(caller.organization))


@routes.patch("/v1/organization", scope=Scope.ADMIN, answer=OrganizationOut)
def update_organization(caller: Caller, patch: object) -> OrganizationOut:
    """Change it by JSON merge patch; invoices that are finalised keep what they say."""
    return OrganizationOut.of(provided(Organizations).update(caller, patch, precondition()))
