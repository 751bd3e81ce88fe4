"""What a tax rate of the catalogue is, and the refusals about it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from farthing.kernel.problems import Conflict, NotFound
from farthing.pricing import taxes


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate as it is kept; see `farthing.pricing.taxes.TaxRate` for what its fields do."""

    id: str
    organization: str
    key: str
    name: str
    percent: Decimal
    inclusive: bool
    country: str | None
    region: str | None
    tax_code: str | None
    category: str
    reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def rule(self) -> taxes.TaxRate:
        """What invoices are taxed by."""
        return taxes.TaxRate(
            self.id, self.key, self.name, self.percent, self.inclusive, self.country, self.region, self.tax_code,
            self.category, self.reason,
        )

    @property
    def place(self) -> tuple[str | None, str | None, str | None]:
        """Rates of one place and code always fall on the same lines (rule 27)."""
        return self.country, self.region, self.tax_code


class TaxRateNotFound(NotFound):
    """No such tax rate in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no tax rate {reference[:120]}.")


class TaxRateKeyTaken(Conflict):
    """A key names one tax rate of an organisation."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key} already names another tax rate.")


class TaxRateInUse(Conflict):
    """A tax rate stays while an invoice or a draft has it."""

    def __init__(self, rate: TaxRate) -> None:
        super().__init__(f"Tax rate {rate.id} ({rate.key}) cannot be deleted: invoices have it.")
