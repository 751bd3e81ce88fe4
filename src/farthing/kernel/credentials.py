"""Who calls: the caller that identity made of a credential, and what it may do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from farthing.kernel.problems import Forbidden


class Scope(StrEnum):
    """What a credential may do; `admin` may do everything."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user or API key, and the one organisation it belongs to."""

    organization: str
    id: str  # usr_... or key_...; "" for the operator at the command line
    kind: str  # "user", "key" or "operator"
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        return Scope.ADMIN in self.scopes or scope in self.scopes

    def demand(self, scope: Scope) -> None:
        """Raises ScopeMissing unless the caller has the scope."""
        if not self.may(scope):
            raise ScopeMissing(scope)

    def covers(self, scopes: Iterable[Scope]) -> bool:
        """Whether the caller may hand out these scopes: never wider than its own."""
        return all(self.may(scope) for scope in scopes)


class ScopeMissing(Forbidden):
    """The credential is good, but does not have the scope that this call needs."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This call needs the scope {scope.value}.")


Authenticate = Callable[[str], Caller]  # a bearer token; raises Unauthenticated


def operator(organization: str) -> Caller:
    """The person at the command line, who holds the store itself."""
    return Caller(organization, "", "operator", frozenset({Scope.ADMIN}))
