"""Metrics for Prometheus and structured logs; one registry for each application, none global."""

import logging
import sys
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from farthing.kernel.tallies import Requests

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
HIDDEN: Final = frozenset({"password", "secret", "token", "authorization", "access_token", "refresh_token"})


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The counters of one process."""

    registry: CollectorRegistry
    requests: Requests
    events: Counter
    lag: Gauge

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests.answered(method, route, status, seconds)

    def exposed(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def new_telemetry() -> Telemetry:
    registry, requests = CollectorRegistry(), Requests()
    registry.register(requests)
    return Telemetry(
        registry, requests,
        Counter("farthing_events_total", "Usage events by outcome", ["outcome"], registry=registry),
        Gauge("farthing_rollup_lag_events", "Events that the rollups have not followed yet", registry=registry),
    )


def configure_logs(level: str, form: str) -> None:
    """Structured lines on standard error, JSON or for a person; secrets never in clear."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *name: structlog.PrintLogger(sys.stderr),  # as it is when something is told
    )


def _hide_secrets(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {name: "***" if name in HIDDEN else value for name, value in event.items()}
