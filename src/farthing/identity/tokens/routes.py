"""Log-ins over HTTP."""

from typing import Final

from flask import request

from farthing.identity.tokens.schemas import GrantOut, KeySetOut, LoginIn, MeOut, RefreshIn
from farthing.identity.tokens.service import Tokens
from farthing.kernel.credentials import Caller
from farthing.kernel.web import ANY_SCOPE, Answer, Routes, provided

routes = Routes("tokens")
MOST_BYTES: Final = 16 * 1024  # of the bodies of calls that are open to everybody


@routes.post("/v1/login", scope=None, body=LoginIn, answer=GrantOut, most_bytes=MOST_BYTES)
def login(body: LoginIn) -> GrantOut:
    """Trade a username and password for an access token and a refresh token."""
    return GrantOut.of(provided(Tokens).login(body.username, body.password, request.remote_addr or ""))


@routes.post("/v1/refresh", scope=None, body=RefreshIn, answer=GrantOut, most_bytes=MOST_BYTES)
def refresh(body: RefreshIn) -> GrantOut:
    """Trade a refresh token, once, for the next pair."""
    return GrantOut.of(provided(Tokens).refresh(body.refresh_token))


@routes.post("/v1/logout", scope=ANY_SCOPE, body=RefreshIn, status=204)
def logout(caller: Caller, body: RefreshIn) -> None:
    """End the session of a refresh token; the access token ends by itself within 15 minutes."""
    provided(Tokens).logout(caller, body.refresh_token)


@routes.get("/v1/me", scope=ANY_SCOPE, answer=MeOut)
def me(caller: Caller) -> MeOut:
    """The caller: user or key, its organisation and its scopes."""
    return MeOut.of(provided(Tokens).me(caller))


@routes.get("/.well-known/jwks.json", scope=None, answer=KeySetOut)
def key_set() -> Answer:
    """The public keys of access tokens, for services that verify them offline."""
    return Answer(KeySetOut.of(provided(Tokens).key_set()), headers=(("Cache-Control", "public, max-age=60"),))
