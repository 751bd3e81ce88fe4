"""Looking at a subscription with all that it was billed, while others bill it."""

from collections.abc import Callable
from typing import Final, TypeVar

from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription, found
from farthing.kernel.database import Database
from farthing.kernel.problems import Unavailable

ATTEMPTS: Final = 5
_T = TypeVar("_T")


def steady(database: Database, organization: str, reference: str, work: Callable[[Subscription], _T]) -> _T:
    """What comes of a subscription that stayed as it was meanwhile: its days are told by what is closed and billed.

    raises  SubscriptionNotFound, Unavailable where it is never left alone
    """
    for _ in range(ATTEMPTS):
        before = _read(database, organization, reference)
        answer = work(before)
        if _read(database, organization, before.id).version == before.version:
            return answer
    raise Unavailable(f"Subscription {reference[:120]} is being changed or billed; try again.")


def _read(database: Database, organization: str, reference: str) -> Subscription:
    with database.read() as connection:
        return found(SubscriptionStore(connection).find(organization, reference), reference)
