"""Access logs of web servers, combined or common format: a request is an event `http.request` of its client."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from farthing.usage.imports.files import LONGEST_LINE, Names, lines
from farthing.usage.imports.values import Row

SOURCE: Final = "access-log"
TYPE: Final = "http.request"
QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'
LINE: Final = re.compile(
    rf"(\S+) \S+ .*?\[(\d\d)/([A-Z][a-z]{{2}})/(\d{{4}}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\] "
    rf"{QUOTED} (\d{{3}}|-) (\d+|-)(?: {QUOTED} {QUOTED}.*)?\s*",
    re.ASCII,
)
METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,30}", re.ASCII)
MONTHS: Final = {name: f"{number:02}" for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
)}


def read(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """The requests of a log; `source` is "access-log" unless told otherwise."""
    names = Names()
    for number, line in lines(stream):
        if line is None:
            yield Row(number, "", f"is longer than {LONGEST_LINE} bytes")
        elif line.strip():
            yield _row(number, line, names.name(line), SOURCE if source is None else source)


def _row(number: int, line: bytes, name: str, source: str) -> Row:
    text = line.decode("utf-8", "surrogateescape")
    match = LINE.fullmatch(text)
    month = MONTHS.get(match[3]) if match else None
    if match is None or month is None:
        return Row(number, text, "is no line of an access log in combined or common format")
    address, day, _, year, clock, hours, minutes, request, status, size, referrer, agent = match.groups()
    method, path = _request(request)
    data = {"method": method, "path": path, "status": status, "bytes": size, "referrer": referrer, "agent": agent}
    return Row(number, {
        "id": name, "source": source, "type": TYPE, "subject": address,
        "time": f"{year}-{month}-{day}T{clock}{hours}:{minutes}",
        "data": {part: value for part, value in data.items() if value is not None and value != "-"},
    })


def _request(request: str) -> tuple[str | None, str | None]:
    """Method and path, as far as a request line has them: some clients send anything."""
    method, _, rest = request.partition(" ")
    if not METHOD.fullmatch(method):
        return None, None
    path, _, protocol = rest.rpartition(" ")
    return method, (path if protocol.startswith("HTTP/") else rest) or None
