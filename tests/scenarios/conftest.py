"""The application on each store, as the service tests have it."""

from tests.service.conftest import (  # noqa: F401  # fixtures
    api,
    books,
    client,
    clock,
    engine,
    farthing,
    pytest_generate_tests,
)
