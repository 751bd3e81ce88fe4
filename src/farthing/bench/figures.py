"""What a benchmark finds, and how it is measured."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from farthing.kernel.clock import ticks

ROUNDS: Final = 3  # of each measurement, floors and ours side by side; medians are told
SYNCS: Final = 100


class WrongAnswer(Exception):
    """A measurement did not count what it should have; its speed means nothing."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that could be done for the same result: its speed, and ours as a share of it."""

    name: str
    per_second: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One speed, beside its floors of the same run."""

    name: str
    unit: str
    per_second: float
    floors: tuple[Floor, ...] = ()

    @property
    def json(self) -> dict[str, Any]:  # Any: JSON
        return {
            "name": self.name, "unit": self.unit, "per_second": _short(self.per_second),
            "floors": [
                {"name": floor.name, "per_second": _short(floor.per_second), "ratio": _short(floor.ratio)}
                for floor in self.floors
            ],
        }

    @property
    def lines(self) -> list[str]:
        """For people."""
        lines = [f"{self.name:<58}{self.per_second:>12,.0f} {self.unit}/s"]
        lines += [
            f"    {floor.name:<54}{floor.per_second:>12,.0f}      {_short(floor.ratio)} of it" for floor in self.floors
        ]
        return lines


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be measured here, and why."""

    name: str
    reason: str

    @property
    def json(self) -> dict[str, Any]:  # Any: JSON
        return {"name": self.name, "skipped": self.reason}

    @property
    def lines(self) -> list[str]:
        return [f"{self.name:<58} skipped: {self.reason}"]


@dataclass(frozen=True, slots=True)
class Round:
    """Speeds measured one after the other, so that a noisy machine is as noisy to each."""

    ours: float
    floors: tuple[float, ...]


def figure(name: str, unit: str, floors: Sequence[str], rounds: Sequence[Round]) -> Figure:
    """Medians over the rounds; a ratio is taken within its own round."""
    return Figure(name, unit, median(one.ours for one in rounds), tuple(
        Floor(
            floor, median(one.floors[place] for one in rounds), median(one.ours / one.floors[place] for one in rounds)
        )
        for place, floor in enumerate(floors)
    ))


def per_second(count: int, work: Callable[[], object]) -> float:
    """How many of `count` a second, done once."""
    begin = ticks()
    work()
    return count / (ticks() - begin)


def require(found: object, expected: object, what: str) -> None:
    """Raises WrongAnswer unless they are equal."""
    if found != expected:
        raise WrongAnswer(f"{what}: found {found}, expected {expected}")


def sync_seconds(folder: Path) -> float:
    """How long the disk takes for a durable write of 4 KiB, which every commit waits for."""
    place = folder / "sync"
    sync = getattr(os, "fdatasync", os.fsync)
    took: list[float] = []
    with place.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            begin = ticks()
            sync(file.fileno())
            took.append(ticks() - begin)
    place.unlink()
    return median(took)


def _short(value: float) -> float:
    """Three significant digits: the rest is noise."""
    return float(f"{value:.3g}")
