"""What a request carries: whose it is, its query, its body, its conditions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import g, request

from farthing.kernel.credentials import Authenticate, Caller
from farthing.kernel.problems import Malformed, Stale, Unauthenticated, WrongMediaType
from farthing.kernel.strict_json import loads

RAISED: Final = "farthing.raised"  # in a WSGI environment, which no header reaches
JSON_TYPES: Final = ("application/json", "application/merge-patch+json")


def bearer(authenticate: Authenticate) -> Caller:
    """Whose token the request carries, which goes along to other services; raises Unauthenticated."""
    g.bearer = bearer_token()
    return authenticate(g.bearer)


def bearer_token() -> str:
    """The token that the request carries; raises Unauthenticated."""
    header = request.headers.get("Authorization", "")
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated("This call needs a bearer token: an API key, or the access token of a login.")
    return token.strip()


def raise_again() -> None:
    """What was raised in front of Flask already, as if it had been raised here."""
    if (error := request.environ.get(RAISED)) is not None:
        raise error


def query() -> dict[str, str]:
    """The query, each name once; raises Malformed."""
    found: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Malformed(f"The query gives {name[:80]} more than once.")
        if "\0" in values[0]:
            raise Malformed(f"The query's {name[:80]} contains the character NUL.")
        found[name] = values[0]
    return found


def body_bytes(media_types: Sequence[str]) -> bytes:
    """The body, when it is of one of these media types; raises WrongMediaType, TooLarge."""
    if request.mimetype not in media_types:
        given = request.mimetype or "none"
        raise WrongMediaType(f"The body's media type is {given}; this call takes {', '.join(media_types)}.")
    return request.get_data()


def accepted(media_types: Sequence[str]) -> str:
    """The one of these that the caller would rather have; the first where it does not say."""
    return request.accept_mimetypes.best_match(media_types, media_types[0])


def json_body() -> object:
    """The JSON body with every digit as sent; raises WrongMediaType, Malformed, TooLarge, Invalid."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongMediaType("This call takes no Content-Encoding.")
    if parsed_before := getattr(g, "json_body", None):
        return parsed_before[0]
    g.json_body = (loads(body_bytes(JSON_TYPES)),)
    return g.json_body[0]


@dataclass(frozen=True, slots=True)
class Precondition:
    """What `If-Match` demands of the version about to be changed (RFC 9110)."""

    tags: frozenset[str]
    any: bool

    def demand(self, version: int | str) -> None:
        """Raises Stale unless this version, or what stands for it in the ETag, is one of those named."""
        if not self.any and str(version) not in self.tags:
            raise Stale(f"If-Match does not name the current version, which is \"{version}\".")


UNCONDITIONAL: Final = Precondition(frozenset(), True)


def precondition() -> Precondition:
    """The request's own; without the header everything passes, and a weak tag never does."""
    if "If-Match" not in request.headers:
        return UNCONDITIONAL
    tags = request.if_match
    return Precondition(frozenset(tags.as_set()), tags.star_tag)
