"""Requests as Prometheus is told of them."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from farthing.kernel.tallies import BOUNDS, Requests


@pytest.fixture
def requests() -> Requests:
    return Requests()


def exposed(requests: Requests) -> list[str]:
    registry = CollectorRegistry()
    registry.register(requests)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_each_route_and_status_is_counted(requests: Requests) -> None:
    for status in (200, 200, 304):
        requests.answered("GET", "/a", status, 0.25)
    requests.answered("POST", "/a", 200, 0.25)
    assert [line for line in exposed(requests) if "_total" in line] == [
        'farthing_requests_total{method="GET",route="/a",status="200"} 2.0',
        'farthing_requests_total{method="GET",route="/a",status="304"} 1.0',
        'farthing_requests_total{method="POST",route="/a",status="200"} 1.0',
    ]


def test_a_bucket_counts_all_that_took_no_longer_than_its_bound(requests: Requests) -> None:
    for seconds in (0.001, 0.005, 0.006, 10.0, 10.5):
        requests.answered("GET", "/a", 200, seconds)
    counts = [float(line.split()[1]) for line in exposed(requests) if "_bucket" in line]
    assert counts == [2.0] + [3.0] * (len(BOUNDS) - 2) + [4.0, 5.0]
    [total] = [float(line.split()[1]) for line in exposed(requests) if "_sum" in line]
    assert total == pytest.approx(20.512)
    assert 'farthing_request_seconds_count{method="GET",route="/a"} 5.0' in exposed(requests)
