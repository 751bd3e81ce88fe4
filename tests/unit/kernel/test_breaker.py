"""Something that does not answer is left alone for a while."""

from farthing.kernel.breaker import Breaker


class Ticks:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def opened(ticks: Ticks) -> Breaker:
    breaker = Breaker(failures=2, now=ticks)
    for _ in range(2):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = Breaker(failures=2)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()


def test_after_a_while_one_may_try() -> None:
    ticks = Ticks()
    breaker = opened(ticks)
    ticks.at += 1
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_it_stays_open_longer_each_time_up_to_ten_seconds() -> None:
    ticks = Ticks()
    breaker = opened(ticks)
    waits = []
    for _ in range(6):
        begin = ticks.at
        while not breaker.admits():
            ticks.at += 0.5
        waits.append(ticks.at - begin)
        breaker.failed()
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, 10.0)
