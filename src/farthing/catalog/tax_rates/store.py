"""Rows of tax rates."""

from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from farthing.catalog.tax_rates.models import tax_rates
from farthing.catalog.tax_rates.values import TaxRate, TaxRateKeyTaken
from farthing.kernel.database import refusing
from farthing.kernel.ids import is_id

table = tax_rates.c


@dataclass(frozen=True, slots=True)
class TaxRateStore:
    connection: Connection

    def add(self, rate: TaxRate) -> None:
        """Raises TaxRateKeyTaken; the first one stays."""
        with refusing("tax_rates_key", TaxRateKeyTaken(rate.key)):
            self.connection.execute(insert(tax_rates).values(asdict(rate)))

    def save(self, rate: TaxRate) -> None:
        same = _is(rate.organization, rate.id)
        self.connection.execute(update(tax_rates).where(same).values(asdict(rate)))

    def find(self, organization: str, reference: str, lock: bool = False) -> TaxRate | None:
        """By id or key."""
        name = table.id if is_id(reference, "tax") else table.key
        query = select(tax_rates).where((table.organization == organization) & (name == reference))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else TaxRate(**row)

    def all(self, organization: str, hold: bool = False) -> list[TaxRate]:
        """By age; `hold`: none of them changes or goes before the transaction ends."""
        query = select(tax_rates).where(table.organization == organization).order_by(table.id)
        rows = self.connection.execute(query.with_for_update(read=True) if hold else query).mappings()
        return [TaxRate(**row) for row in rows]

    def page(self, organization: str, after: str, limit: int) -> list[TaxRate]:
        mine = (table.organization == organization) & (table.id > after)
        rows = self.connection.execute(select(tax_rates).where(mine).order_by(table.id).limit(limit)).mappings()
        return [TaxRate(**row) for row in rows]

    def remove(self, organization: str, id: str) -> None:
        self.connection.execute(delete(tax_rates).where(_is(organization, id)))


def _is(organization: str, id: str) -> ColumnElement[bool]:
    return (table.organization == organization) & (table.id == id)
