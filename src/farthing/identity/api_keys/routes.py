"""API keys over HTTP."""

from farthing.identity.api_keys.schemas import ApiKeyIn, ApiKeyOut
from farthing.identity.api_keys.service import ApiKeys
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, provided, shown

routes = Routes("api-keys")


@routes.post("/v1/api-keys", scope=Scope.ADMIN, body=ApiKeyIn, answer=ApiKeyOut, status=201)
def create_api_key(caller: Caller, body: ApiKeyIn) -> Answer:
    """Make a key; its secret is in this answer and nowhere else."""
    key, secret = provided(ApiKeys).create(caller, [Scope(scope) for scope in body.scopes], body.name)
    return created(ApiKeyOut.of(key, secret), f"/v1/api-keys/{key.id}")


@routes.get("/v1/api-keys", scope=Scope.ADMIN, query=ListQuery, answer=ApiKeyOut, paged=True)
def list_api_keys(caller: Caller, query: ListQuery) -> ListShown:
    """The organisation's keys, without their secrets."""
    place = listing("api-keys", caller.organization, query.limit, query.after)
    return shown(provided(ApiKeys).page(caller, place), ApiKeyOut.of)


@routes.delete("/v1/api-keys/<key_id>", scope=Scope.ADMIN)
def delete_api_key(caller: Caller, key_id: str) -> None:
    """Withdraw a key; it stops working at once."""
    provided(ApiKeys).delete(caller, key_id)
