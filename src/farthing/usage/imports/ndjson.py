"""NDJSON: a line is an event as `POST /v1/events` takes it."""

from collections.abc import Iterator
from typing import BinaryIO

from farthing.usage.events.bodies import line_sent
from farthing.usage.imports.files import LONGEST_LINE, lines
from farthing.usage.imports.values import Row


def read(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """The events of a file; `source` is for those that name none."""
    for number, line in lines(stream):
        if line is None:
            yield Row(number, "", f"is longer than {LONGEST_LINE} bytes")
        elif line.strip():
            sent = line_sent(line, number)
            if source is not None and isinstance(sent.value, dict):
                sent.value.setdefault("source", source)
            yield Row(number, sent.value, sent.problem)
