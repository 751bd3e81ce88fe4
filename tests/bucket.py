"""A bucket that speaks as much of S3 as reading takes: HEAD and GET of an object, with its version in the ETag."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Bucket:
    """Objects by `bucket/key`; a status instead of bytes is what the server answers."""

    def __init__(self, url: str, objects: dict[str, bytes | int]) -> None:
        self.url = url
        self.objects = objects


@contextmanager
def bucket_served() -> Iterator[Bucket]:
    objects: dict[str, bytes | int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:  # the base class finds it by this name
            self._answer(body=False)

        def do_GET(self) -> None:  # as above
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            found = objects.get(self.path.lstrip("/").partition("?")[0], 404)
            if isinstance(found, int):
                self._head(found, 0, "")
                return
            tag = f'"{md5(found).hexdigest()}"'  # as S3's are
            if self.headers.get("If-Match", tag) != tag:
                self._head(412, 0, "")
                return
            self._head(200, len(found), tag)
            if body:
                self.wfile.write(found)

        def _head(self, status: int, length: int, tag: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # Any: as the base class has it
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Bucket(f"http://127.0.0.1:{server.server_port}", objects)
    finally:
        server.shutdown()
        server.server_close()
