"""Tokens of services over HTTP: for other services alone."""

from farthing.identity.tokens.services import LIVES, ServiceTokens
from farthing.kernel.schemas import Reference, Schema, Shown
from farthing.kernel.web import Routes, bearer_token, provided

routes = Routes("services")


class ServiceIn(Schema):
    """Which service asks; its secret is the request's bearer token."""

    service: Reference


class ServiceGrantOut(Shown):
    """A token of a service's own."""

    access_token: str
    expires_in: int


@routes.post("/internal/identity/token", scope=None, body=ServiceIn, answer=ServiceGrantOut, most_bytes=4096)
def grant_service_token(body: ServiceIn) -> ServiceGrantOut:
    """Trade a service's secret for a token for 15 minutes."""
    token = provided(ServiceTokens).grant(body.service, bearer_token())
    return ServiceGrantOut(access_token=token, expires_in=int(LIVES.total_seconds()))
