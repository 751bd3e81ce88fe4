"""The meters of the catalogue where it runs elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from farthing.catalog import Meter, MeterBook
from farthing.kernel.problems import Unavailable
from farthing.kernel.remote import Remote


@dataclass(frozen=True, slots=True)
class RemoteMeters:
    """Keeps `MeterBook` by asking the service of the catalogue.

    What it last said is enough while it does not answer: nothing of a meter that usage looks at ever changes.
    """

    catalog: Remote
    seen: dict[str, Sequence[Meter]] = field(default_factory=dict)

    def meter(self, organization: str, reference: str) -> Meter:
        """Raises MeterNotFound, RoomAway."""
        try:
            return self.catalog.ask(MeterBook.meter, organization, reference)
        except Unavailable:
            known = (one for one in self.seen.get(organization, ()) if reference in (one.id, one.key))
            if (meter := next(known, None)) is None:
                raise
            return meter

    def meters(self, organization: str) -> Sequence[Meter]:
        """Raises RoomAway where it never answered."""
        try:
            found = self.catalog.ask(MeterBook.meters, organization)
        except Unavailable:
            if organization not in self.seen:
                raise
            return self.seen[organization]
        self.seen[organization] = found
        return found
