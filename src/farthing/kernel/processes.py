"""A server's worker process: it ends with the one that started it, and has work that repeats."""

import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from farthing.kernel.problems import Unavailable

PR_SET_PDEATHSIG = 1
log = structlog.get_logger("farthing")


def end_with_parent() -> None:
    """End this process when its parent goes, however it goes: a worker left alone would hold the port."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def settle_memory() -> None:
    """What start-up made lives on: look for garbage elsewhere, and not every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextmanager
def uncollected() -> Iterator[None]:
    """Do not look for garbage meanwhile: for work that makes very many small things and drops them all at its end.

    Work of other threads may end this early, which costs time and nothing else.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def repeat(work: Callable[[], object], seconds: float, name: str) -> None:
    """Do a piece of work again and again in a thread of its own; a failure is logged and tried again."""

    def loop() -> None:
        while True:
            try:
                work()
            except Unavailable as error:
                log.warning("background work waits", work=name, reason=error.detail)
            except Exception:
                log.exception("background work failed", work=name)
            time.sleep(seconds)

    threading.Thread(target=loop, daemon=True, name=name).start()
