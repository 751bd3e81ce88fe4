"""The life of a subscription: what holds on each of its local days (rules 12 to 15)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from tests.model.days import DAY, Days, anniversary_period, calendar_period

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What a change says; it holds from its day on."""

    day: date
    plan: Fields | None = None
    quantities: Fields = field(default_factory=dict)
    overrides: Fields = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """What holds on one day."""

    plan: Fields
    quantities: Fields
    overrides: Fields

    def after(self, change: Change) -> "Terms":
        old = {} if change.plan is not None else self.overrides
        return Terms(change.plan or self.plan, {**self.quantities, **change.quantities}, {**old, **change.overrides})

    @property
    def prices(self) -> dict[str, dict[str, Any]]:
        return {price["key"]: {**price, **self.overrides.get(price["key"], {})} for price in self.plan["prices"]}

    @property
    def cut(self) -> tuple[str, int, str]:
        """What two plans must share for a period to go on over a change."""
        interval = self.plan["interval"]
        return interval, self.plan.get("interval_count", 1), self.plan.get("usage_interval") or interval


@dataclass(frozen=True)
class Segment:
    """A row of periods of one interval."""

    start: date
    end: date | None
    cut: tuple[str, int, str]
    anchor: str

    def plan_period(self, day: date) -> Days:
        """The whole period that holds a day, however little of it the segment has."""
        interval, count, _ = self.cut
        if self.anchor == "calendar":
            return calendar_period(day, interval)
        return anniversary_period(self.start, day, interval, count)

    def usage_period(self, day: date) -> Days:
        interval, count, usage = self.cut
        if self.anchor == "calendar":
            return calendar_period(day, usage)
        return anniversary_period(self.start, day, usage, count if usage == interval else 1)

    def lived(self, days: Days) -> Days:
        return days.cut(self.start, self.end)


@dataclass(frozen=True)
class Life:
    """A subscription as all calls so far have left it; looked at up to `until`, a day."""

    zone: str
    start: date
    anchor: str
    first: Terms
    until: date
    end: date | None = None
    changes: tuple[Change, ...] = ()  # in the order of the calls
    pauses: tuple[tuple[date, date | None], ...] = ()

    @property
    def paid_from(self) -> date:
        """The first day after the trial, which the first plan gives."""
        return self.start + DAY * int(self.first.plan.get("trial_days") or 0)

    @property
    def last(self) -> date:
        return self.until if self.end is None else min(self.end, self.until)

    @cached_property
    def days(self) -> list[date]:
        """Its days that are paid for, but for pauses."""
        return Days(self.paid_from, max(self.paid_from, self.last)).each()

    @cached_property
    def terms(self) -> dict[date, Terms]:
        found = {}
        for day in Days(self.start, max(self.start, self.last)).each():
            terms = self.first
            for change in sorted((one for one in self.changes if one.day <= day), key=lambda one: one.day):
                terms = terms.after(change)
            found[day] = terms
        return found

    @cached_property
    def segments(self) -> list[Segment]:
        starts = [
            day for day in self.days
            if day == self.paid_from or self.terms[day].cut != self.terms[day - DAY].cut
        ]
        stops: list[date | None] = [*starts[1:], self.end]
        return [
            Segment(start, stop, self.terms[start].cut, self.anchor)
            for start, stop in zip(starts, stops, strict=True)
        ]

    def segment(self, day: date) -> Segment:
        return next(one for one in reversed(self.segments) if one.start <= day)

    def paused(self, day: date) -> bool:
        return any(start <= day and (stop is None or day < stop) for start, stop in self.pauses)

    @cached_property
    def boundaries(self) -> list[date]:
        """The first paid day, the end of each usage period, its own end (rule 25), up to `until`."""
        if self.end is not None and self.end <= self.paid_from:
            return [self.end] if self.end <= self.until else []
        found = {self.paid_from}
        for day in self.days:
            segment = self.segment(day)
            found.add(segment.lived(segment.usage_period(day)).end)
        return sorted(day for day in found if day <= self.until)
