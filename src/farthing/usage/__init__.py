"""Usage: events in, duplicates out, quantities. What other rooms may use stands here."""

from collections.abc import Sequence
from typing import Protocol


class Subjects(Protocol):
    """The names under which usage arrives, and for whom it counts; called inside the caller's transaction."""

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        """From now on these names mean this customer or subscription.

        What arrived before under a name that never belonged to anybody counts too; under one that did, only
        what arrives later. A name that is somebody's already stays so.
        """

    def release(self, organization: str, names: Sequence[str]) -> None:
        """These names are nobody's from now on; what arrived before stays where it counts."""
