"""What MongoDB's driver raises, by the names that the rest of the program knows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from farthing.kernel.problems import Overtaken, Unavailable

WRITE_CONFLICT: Final = 112
DUPLICATE: Final = (11000, 65)  # the second is the driver's own, for one of many writes
BUSY: Final = frozenset({  # codes of a server that is going, is overloaded or is not the one that writes any more
    *(24, 50, 64, 91, 100, 112, 189, 246, 251, 262, 290), *(10107, 11600, 11602, 13435, 13436),
})


class DocumentStoreAway(Unavailable):
    """MongoDB is gone or busy; nothing was stored."""

    def __init__(self) -> None:
        super().__init__("MongoDB does not answer or is busy; nothing was stored.")


class Dropped(DocumentStoreAway):
    """A connection ended before anything was committed: the next one may be good."""


class OutcomeUnknown(Unavailable):
    """MongoDB went away between being asked to commit and saying that it had."""

    def __init__(self) -> None:
        super().__init__(
            "MongoDB went away while this was being stored. Send it again with the same Idempotency-Key, or look."
        )


@contextmanager
def answering() -> Iterator[None]:
    """Give what the driver raises when the server is gone or busy its name, and let every other error pass."""
    try:
        yield
    except PyMongoError as error:
        if (kind := _named(error)) is not None:
            raise kind from error
        raise


def _named(error: PyMongoError) -> Unavailable | None:
    if isinstance(error, ConnectionFailure):
        lasting = isinstance(error, NetworkTimeout | ServerSelectionTimeoutError)
        return Dropped() if isinstance(error, AutoReconnect) and not lasting else DocumentStoreAway()
    if isinstance(error, OperationFailure) and error.has_error_label("TransientTransactionError"):
        return Overtaken()
    return DocumentStoreAway() if isinstance(error, OperationFailure) and error.code in BUSY else None


@contextmanager
def refusing(index: str, refusal: Exception) -> Iterator[None]:
    """Give the violation of this one unique index its name, and let every other pass."""
    try:
        yield
    except (DuplicateKeyError, BulkWriteError) as error:
        if error.code in DUPLICATE and f" index: {index} " in _told(error):
            raise refusal from error
        raise


def _told(error: DuplicateKeyError | BulkWriteError) -> str:
    """What the server said of the write that it refused first."""
    details: Mapping[str, Any] = error.details or {}  # Any: BSON
    first: Mapping[str, Any] = next(iter(details.get("writeErrors", ())), details)  # Any: BSON
    return str(first.get("errmsg", error))
