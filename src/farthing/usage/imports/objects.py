"""Objects in buckets that speak S3; where they are, and with which credentials, the usual AWS variables say."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, BinaryIO, Final, NamedTuple

from farthing.kernel.problems import Unavailable
from farthing.usage.imports.values import BadUrl

ADDRESS: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^\x00-\x20\x7f]+)", re.ASCII)
LONGEST_KEY: Final = 1024  # bytes
PIECE: Final = 1024 * 1024
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 60
MISSING: Final = "Files in buckets need a library that is not installed here: pip install 'farthing[s3]'."


class Found(NamedTuple):
    """An object as it is now; `content` tells this version of it from all others."""

    content: str
    size: int
    tag: str


class Objects:
    """Reads objects; the library is asked for when the first one is."""

    def found(self, url: str) -> Found:
        """Raises BadUrl where there is none or it may not be read, Unavailable."""
        bucket, key = parts_of(url)
        with _told():
            head = _client().head_object(Bucket=bucket, Key=key)
        tag, size = head["ETag"], head["ContentLength"]
        return Found(sha256(f"{url}\n{tag}\n{size}".encode()).hexdigest(), size, tag)

    def copy(self, url: str, content: str, to: BinaryIO) -> None:
        """All of the version that was found before; raises BadUrl where it is no longer there, Unavailable."""
        bucket, key = parts_of(url)
        now = self.found(url)
        if now.content != content:
            raise BadUrl("names an object that has changed since the import began; import it again")
        with _told():
            body = _client().get_object(Bucket=bucket, Key=key, IfMatch=now.tag)["Body"]
            for piece in body.iter_chunks(PIECE):
                to.write(piece)


def permitted(url: str, prefixes: Sequence[str]) -> None:
    """Raises BadUrl unless the address is one of a bucket, under one of these."""
    parts_of(url)
    if not any(url.startswith(prefix) for prefix in prefixes):
        raise BadUrl("is under no prefix that the operator gave to this organisation")


def parts_of(url: str) -> tuple[str, str]:
    """Bucket and key; raises BadUrl."""
    match = ADDRESS.fullmatch(url)
    if match is None or len(match[2].encode()) > LONGEST_KEY:
        raise BadUrl("must name an object in a bucket, s3://bucket/folder/file.csv; nothing else is fetched")
    if {"", ".", ".."} & set(match[2].split("/")):  # some servers would walk up such a path
        raise BadUrl("must not have empty parts, . or .. in its path")
    return match[1], match[2]


def _client() -> Any:  # Any: the library makes its classes at run time
    import boto3
    from botocore.config import Config

    waiting = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"max_attempts": 3})
    return boto3.client("s3", config=waiting)


@contextmanager
def _told() -> Iterator[None]:
    """What the library raises, in our words."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise Unavailable(MISSING) from error
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            raise BadUrl("names no object") from error
        if status in (401, 403):
            raise BadUrl("names an object that the server's credentials may not read") from error
        if status == 412:
            raise BadUrl("names an object that has changed since the import began; import it again") from error
        raise Unavailable("The bucket refused, or does not answer; nothing was stored.") from error
    except BotoCoreError as error:
        raise Unavailable(f"The bucket cannot be reached ({type(error).__name__}); nothing was stored.") from error
