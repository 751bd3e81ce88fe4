"""Work whose transaction the database stopped."""

import pytest
from sqlalchemy.exc import OperationalError

from farthing.kernel.database import ASIDE_SECONDS, again_if_stopped


class Told(Exception):
    def __init__(self, number: int, sqlstate: str | None = None) -> None:
        super().__init__(number, "told by a driver")
        self.sqlstate = sqlstate


DEADLOCKS = [Told(1213), Told(0, "40P01")]


class Work:
    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error, self.done = times, error, 0

    def __call__(self) -> str:
        self.done += 1
        if self.done <= self.left:
            raise OperationalError("UPDATE", {}, self.error)
        return "done"


@pytest.mark.parametrize("error", DEADLOCKS)
def test_it_is_done_again(error: Exception) -> None:
    work = Work(2, error)
    assert (again_if_stopped(work), work.done) == ("done", 3)


@pytest.mark.parametrize("error", DEADLOCKS)
def test_but_not_for_ever(error: Exception) -> None:
    work = Work(99, error)
    with pytest.raises(OperationalError):
        again_if_stopped(work)
    assert work.done == len(ASIDE_SECONDS) + 1


@pytest.mark.parametrize("error", [Told(1205), Told(0, "55P03"), Told(2006)])
def test_what_is_merely_busy_or_gone_is_told(error: Exception) -> None:
    work = Work(1, error)
    with pytest.raises(OperationalError):
        again_if_stopped(work)
    assert work.done == 1
