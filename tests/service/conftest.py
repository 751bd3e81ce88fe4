"""The whole application in this process, on a real store of each kind; each test has an organisation of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from farthing.app import Farthing, open_farthing, web_application
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.service import Organizations
from farthing.kernel.clock import instant_from
from farthing.kernel.credentials import Scope, operator
from farthing.kernel.settings import load_settings
from tests.servers import Servers, needs
from tests.service.apart import Services, open_services

if TYPE_CHECKING:
    from tests.service.books import Books


@dataclass
class TestClock:
    """A clock that stands still until a test moves it."""

    __test__ = False
    at: datetime

    def __call__(self, organization: str) -> datetime:
        return self.at

    def to(self, text: str) -> None:
        self.at = instant_from(text)


@dataclass(frozen=True)
class Api:
    """A caller of one organisation, with a key of the given scopes."""

    farthing: Farthing
    client: FlaskClient
    organization: str
    secret: str
    clock: TestClock

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}"} | dict(options.pop("headers", {}))
        if body is not None:
            options["json"] = body
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)

    def made(self, path: str, body: Any) -> dict[str, Any]:
        """What a POST made; anything but success fails the test with the answer's text."""
        answer = self.post(path, body)
        assert answer.status_code in (200, 201, 202), answer.get_data(as_text=True)
        return dict(answer.json or {})

    def every(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list, page by page."""
        rows: list[dict[str, Any]] = []
        after = ""
        while True:
            answer = self.get(f"{path}{'&' if '?' in path else '?'}limit=200{after}")
            assert answer.status_code == 200, answer.get_data(as_text=True)
            page = dict(answer.json or {})
            rows += page["data"]
            if page["next"] is None:
                return rows
            after = f"&after={page['next']}"

    def with_scopes(self, *scopes: str) -> "Api":
        """The same organisation through a narrower key."""
        _, secret = self.farthing[ApiKeys].create(operator(self.organization), [Scope(scope) for scope in scopes])
        return Api(self.farthing, self.client, self.organization, secret, self.clock)

    def farthing_client(self) -> "Api":
        """The same caller over a connection of its own, for threads."""
        client = self.client.application.test_client()
        return Api(self.farthing, client, self.organization, self.secret, self.clock)

    def stranger(self) -> "Api":
        """An administrator of another organisation on the same store."""
        return api_of(self.farthing, self.client, self.clock)


def api_of(farthing: Farthing, client: FlaskClient, clock: TestClock) -> Api:
    organization = farthing[Organizations].create("Testers")
    _, secret = farthing[ApiKeys].create(operator(organization.id), [Scope.ADMIN])
    return Api(farthing, client, organization.id, secret, clock)


@pytest.fixture(scope="session")
def clock() -> TestClock:
    return TestClock(instant_from("2026-11-20T12:00:00Z"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything here runs on two databases, what is marked `books` on MariaDB too, `customers` with MongoDB too,
    and all with the rooms apart, as services that reach each other over sockets, but what is marked `together`: it
    looks inside one process.
    """
    chosen = any("engine" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "engine" in metafunc.fixturenames and not chosen:
        only_apart = metafunc.definition.get_closest_marker("apart") is not None
        engines = [] if only_apart else ["sqlite", "postgresql"]
        engines += ["mariadb"] if metafunc.definition.get_closest_marker("books") else []
        engines += ["mongodb"] if metafunc.definition.get_closest_marker("customers") else []
        engines += [] if metafunc.definition.get_closest_marker("together") else ["apart"]
        metafunc.parametrize("engine", engines, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The database that a test runs on; `mongodb`: SQLite for the books, and MongoDB for the customers."""
    return str(request.param)


def stores(engine: str, servers: Servers) -> dict[str, str]:
    """The settings that name the stores of an engine, new and empty."""
    return {"customers_url" if engine == "mongodb" else "database_url": needs(engine, servers)}


@pytest.fixture(scope="session")
def farthing(
    engine: str, servers: Servers, clock: TestClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Farthing]:
    home: Path = tmp_path_factory.mktemp(f"home-{engine}")
    if engine == "apart":
        services = open_services(home, clock)
        yield services  # type: ignore[misc]  # answers like one: services by their class, and calls by their path
        services.close()
        return
    settings = load_settings({}, home=str(home), log_level="error", **stores(engine, servers))
    opened = open_farthing(settings, clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def client(farthing: Farthing) -> FlaskClient:
    if isinstance(farthing, Services):
        return farthing.test_client()  # type: ignore[return-value]  # finds the room by the path, as a gateway does
    return web_application(farthing).test_client()


@pytest.fixture
def api(farthing: Farthing, client: FlaskClient, clock: TestClock) -> Api:
    clock.to("2026-11-20T12:00:00Z")
    return api_of(farthing, client, clock)


@pytest.fixture
def books(api: Api) -> "Books":
    """The caller's organisation, ready to be billed."""
    from tests.service.books import Books  # which stands on this file

    return Books(api)
