"""From the body of a request to the events in it: media types and content encodings of CloudEvents over HTTP."""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final
from urllib.parse import unquote_to_bytes

import zstandard

from farthing.kernel.problems import FieldError, Invalid, Malformed, Refusal, TooLarge, WrongMediaType
from farthing.kernel.strict_json import decoded, may_be_unstorable
from farthing.usage.events.quick import QuickBatch, quick_batch
from farthing.usage.events.values import MOST_EVENTS, Sent

MOST_BYTES: Final = 10 * 1024 * 1024  # decoded
PIECE: Final = 64 * 1024
WIDEST_WINDOW: Final = 8 * 1024 * 1024  # of zstd: what RFC 8878 asks decoders to take
JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
MEDIA_TYPES: Final = (JSON, STRUCTURED, BATCH, LINES)
JSON_LIKE: Final = re.compile(r"application/(?:[\w.-]+\+)?json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as they arrived.

    cloudevents  whether specversion and source must be there
    suspicious   whether a text in it may hold what no store can
    """

    events: Sequence[Sent]
    cloudevents: bool
    suspicious: bool


class UnreadableLines(Malformed):
    """Lines that are no JSON; nothing of their batch was stored."""


def batch_of_json(raw: bytes) -> Batch:
    """The events of a body of JSON; raises as `batch_from` does."""
    return _bounded(_plain(raw))


def batch_from(mimetype: str, encoding: str, headers: Mapping[str, str], body: bytes) -> Batch | QuickBatch:
    """The events of a request; those of a plain body of JSON are not looked at one by one yet.

    headers  all of the request's, names in lower case
    raises   WrongMediaType, TooLarge (10,000 events, 10 MiB decoded), Malformed
    """
    raw = decompressed(encoding, body)
    if mimetype not in (STRUCTURED, BATCH) and any(name.startswith("ce-") for name in headers):
        return _binary(mimetype, headers, raw)
    read = READERS.get(mimetype)
    if read is None:
        given = mimetype or "none"
        raise WrongMediaType(f"The body's media type is {given}; this call takes {', '.join(MEDIA_TYPES)}.")
    if mimetype == JSON and (plain := quick_batch(raw)):
        return plain
    return _bounded(read(raw))


def _bounded(batch: Batch) -> Batch:
    if len(batch.events) > MOST_EVENTS:
        raise TooLarge(f"The batch has {len(batch.events)} events; the most is {MOST_EVENTS}.")
    return batch


def _plain(raw: bytes) -> Batch:
    value = decoded(raw)
    if isinstance(value, dict) and "events" in value:
        if unknown := [name for name in value if name != "events"]:
            raise Invalid(f"{unknown[0][:80]} is unknown beside events.", [FieldError(unknown[0][:80], "is unknown")])
        value = value["events"]
        if not isinstance(value, list):
            raise Invalid("events must be an array.", [FieldError("events", "must be an array")])
    elif not isinstance(value, list):
        value = [value]
    return Batch(_numbered(value), False, may_be_unstorable(raw))


def _structured(raw: bytes) -> Batch:
    return Batch(_numbered([decoded(raw)]), True, may_be_unstorable(raw))


def _batch(raw: bytes) -> Batch:
    value = decoded(raw)
    if not isinstance(value, list):
        raise Malformed(f"A body of {BATCH} must be an array.")
    return Batch(_numbered(value), True, may_be_unstorable(raw))


def _lines(raw: bytes) -> Batch:
    if raw.count(b"\n") > 2 * MOST_EVENTS:
        raise TooLarge(f"The batch has more than {2 * MOST_EVENTS} lines; the most is {MOST_EVENTS} events.")
    filled = [line for line in raw.split(b"\n") if line.strip()]
    if not filled:
        raise Malformed("The body is empty.")
    return Batch([line_sent(line, index) for index, line in enumerate(filled)], False, may_be_unstorable(raw))


READERS: Final[Mapping[str, Callable[[bytes], Batch]]] = {
    JSON: _plain, STRUCTURED: _structured, BATCH: _batch, LINES: _lines,
}


def line_sent(line: bytes, index: int) -> Sent:
    """The event of one line of NDJSON, or why it cannot be read."""
    try:
        return Sent(index, decoded(line))
    except Refusal as error:
        return Sent(index, line.decode("utf-8", "replace"), error.detail.removeprefix("The body ").rstrip("."))


def _numbered(values: Sequence[object]) -> list[Sent]:
    return [Sent(index, value) for index, value in enumerate(values)]


def _binary(mimetype: str, headers: Mapping[str, str], raw: bytes) -> Batch:
    """Attributes in `ce-` headers, percent-encoded as the HTTP binding says; the body is `data`."""
    event: dict[str, object] = {"specversion": None}
    for name, value in headers.items():
        if name.startswith("ce-"):
            event[name[3:]] = _unquoted(name, value)
    if raw:
        if not JSON_LIKE.fullmatch(mimetype):
            raise WrongMediaType(f"The data's media type is {mimetype or 'none'}; in binary mode it must be JSON.")
        event["data"] = decoded(raw)
        if mimetype != JSON:
            event["datacontenttype"] = mimetype
    return Batch([Sent(0, event)], True, True)


def _unquoted(name: str, value: str) -> str:
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise Malformed(f"The header {name} is not percent-encoded UTF-8.") from error


def decompressed(encoding: str, body: bytes) -> bytes:
    """The body without its Content-Encoding; raises WrongMediaType, Malformed, and TooLarge as soon as it is."""
    undo = ENCODINGS.get(encoding.strip().lower())
    if undo is None:
        raise WrongMediaType(f"Content-Encoding is {encoding[:80]}; this call takes gzip, zstd or none, once.")
    return undo(body)


def _identity(body: bytes) -> bytes:
    return _within(body)


def _gunzipped(body: bytes) -> bytes:
    out = bytearray()
    rest = body
    while rest or not out:
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                piece = member.decompress(rest, PIECE)
                rest = member.unused_data if member.eof else member.unconsumed_tail
                out += piece
                _within(out)
                if not piece and not rest and not member.eof:
                    raise Malformed("The gzip stream is cut off.")
        except zlib.error as error:
            raise Malformed("The body is not a gzip stream.") from error
        if not rest:
            break
    return bytes(out)


def _unzstd(body: bytes) -> bytes:
    out = bytearray()
    try:
        with zstandard.ZstdDecompressor(max_window_size=WIDEST_WINDOW).stream_reader(
            BytesIO(body), read_across_frames=True
        ) as reader:
            while piece := reader.read(PIECE):
                out += piece
                _within(out)
        _require_whole(body)  # the reader does not say that a frame was cut off; what it holds is bounded by now
    except zstandard.ZstdError as error:
        raise Malformed("The body is not a zstd stream, or its window is larger than 8 MiB.") from error
    return bytes(out)


def _require_whole(body: bytes) -> None:
    rest = body
    while rest:
        frame = zstandard.ZstdDecompressor(max_window_size=WIDEST_WINDOW).decompressobj()
        frame.decompress(rest)
        if not frame.eof:
            raise Malformed("The zstd stream is cut off.")
        rest = frame.unused_data


ENCODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "": _identity, "identity": _identity, "gzip": _gunzipped, "x-gzip": _gunzipped, "zstd": _unzstd,
}


def _within(body: bytes | bytearray) -> bytes:
    if len(body) > MOST_BYTES:
        raise TooLarge(f"The body is larger than {MOST_BYTES} bytes once it is decoded.")
    return body if isinstance(body, bytes) else b""
