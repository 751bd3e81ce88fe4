"""The intake of events with the engine that tells repeats, as settings say."""

from pathlib import Path

from farthing.kernel.database import Database
from farthing.usage.events.intake import Intake
from farthing.usage.events.keyset.file_keys import FileKeys
from farthing.usage.events.keyset.index import IndexKeys
from farthing.usage.events.store import hashes_of_stream


def open_intake(database: Database, home: Path, event_keys: str) -> Intake:
    """event_keys  "files": keys in memory and in files of the home; "index": in a table of the database"""
    if event_keys == "index":
        return Intake(database, IndexKeys(hashes_of_stream))
    return Intake(database, FileKeys(home / "event_keys", hashes_of_stream))
