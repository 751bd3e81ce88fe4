"""Plans over the wire."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, WithJsonSchema

from farthing.catalog.plans.values import Plan
from farthing.catalog.prices.schemas import PriceIn
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, InstantOut, Integer, Key, Line, Schema, Shown
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import currency

UnitName = Literal["day", "week", "month", "quarter", "year"]


class PlanVersionIn(Schema):
    """The next version of a plan."""

    later: ClassVar[Mapping[str, object]] = {"migrate": False}
    name: Line
    currency: CurrencyCode
    interval: UnitName
    interval_count: Annotated[Integer, Field(ge=1, le=100)] = 1
    usage_interval: UnitName | None = None
    trial_days: Annotated[Integer, Field(ge=0, le=3660)] = 0
    minimum_commitment: Exactly | None = None
    prices: Annotated[list[PriceIn], Field(max_length=200)]


class PlanIn(PlanVersionIn):
    """A plan to be made, with its first version."""

    later: ClassVar[Mapping[str, object]] = {
        name: value for name, value in PlanVersionIn.later.items() if name != "migrate"
    }
    key: Key


class PlanOut(Shown):
    """One version of a plan."""

    id: str
    key: str
    name: str
    currency: str
    interval: UnitName
    interval_count: int
    usage_interval: UnitName
    trial_days: int
    minimum_commitment: str | None
    version: int
    prices: list[Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "A Price"})]]  # Any: JSON
    created_at: InstantOut
    updated_at: InstantOut
    _revision: int = PrivateAttr()

    @property
    def etag(self) -> str:
        """The version alone would not tell a change made before anybody subscribed."""
        return etag_of(self.version, self._revision)

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        shown = cls(
            id=plan.id, key=plan.key, name=plan.name, currency=plan.currency, interval=plan.interval.unit,
            interval_count=plan.interval.count, usage_interval=plan.usage_interval.unit, trial_days=plan.trial_days,
            minimum_commitment=_money(plan), version=plan.version, prices=[dict(each) for each in plan.documents],
            created_at=plan.created_at, updated_at=plan.updated_at,
        )
        shown._revision = plan.revision
        return shown


def _money(plan: Plan) -> str | None:
    least = plan.minimum_commitment
    return None if least is None else money(least, currency(plan.currency))


def etag_of(version: int, revision: int) -> str:
    return f"{version}.{revision}"
