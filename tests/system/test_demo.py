"""`farthing demo` as a newcomer meets it."""

import os
import pty
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from farthing.verification import CHECKS
from tests.ports import free_port
from tests.system.program import PROGRAM, Program

NOVEMBER, DECEMBER = "2026-11-20T12:00:00Z", "2026-12-20T12:00:00Z"
INVOICE = re.compile(r"INV-2026-\d{6}  \S.*  \d+(\.\d+)? [A-Z]{3}  (open|paid)")


@pytest.fixture
def november(program: Program) -> Program:
    """In an empty folder on 20 November, with a database named that nobody answers at: the sample has its own."""
    program.environment = {"FARTHING_NOW": NOVEMBER, "FARTHING_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    return program


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What it prints when nobody stops it."""
    return Program(tmp_path_factory.mktemp("whole") / "home", environment={"FARTHING_NOW": NOVEMBER}).run("demo")


def test_it_ends_on_the_invoices_and_again_is_the_same(november: Program, undisturbed: str) -> None:
    first = november.run("demo")
    assert november.run("demo") == first == undisturbed
    lines = first.splitlines()
    numbers = [line.split()[0] for line in lines if INVOICE.fullmatch(line)]
    assert numbers == [f"INV-2026-{number:06}" for number in range(1, len(numbers) + 1)]
    assert lines[-1].startswith(numbers[-1])
    assert (november.home.parent / "farthing-demo" / "farthing.db").is_file()


def test_an_invoice_is_explained_and_totals_stay_apart(undisturbed: str) -> None:
    found = (
        r"How INV-2026-\d{6} of Acme comes to \d+\.\d\d USD:\nAPI calls: \d+\.\d\d USD\n"
        r"  api_calls: the sum of \d+ events is \d+\n"
    )
    assert re.search(found, undisturbed)
    totals = re.findall(r"^  (\d+(?:\.\d+)?) ([A-Z]{3}) on \d+ invoices$", undisturbed, re.MULTILINE)
    decimals = {code: len(amount.partition(".")[2]) for amount, code in totals}
    assert decimals == {"AUD": 2, "CHF": 2, "EUR": 2, "GBP": 2, "INR": 2, "JPY": 0, "KWD": 3, "NPR": 2, "USD": 2}


@pytest.mark.slow
def test_a_later_month_is_added(november: Program) -> None:
    before = _invoices(november.run("demo"))
    november.environment["FARTHING_NOW"] = DECEMBER
    done = subprocess.run([PROGRAM, "demo"], cwd=november.home.parent, env=_environment(november), capture_output=True,
                          text=True, check=True, timeout=120)
    assert "November 2026 has ended since the last time" in done.stderr
    assert done.stderr.splitlines()[-1] == f"{len(CHECKS)} of {len(CHECKS)} checks hold."
    after = _invoices(done.stdout)
    assert after[: len(before)] == before
    assert len(after) > len(before)


@pytest.mark.slow
@pytest.mark.parametrize(("after", "sent"), [
    ("Store", signal.SIGKILL), ("Catalogue", signal.SIGINT), ("Customers", signal.SIGKILL),
    ("Subscriptions", signal.SIGKILL), ("Usage", signal.SIGINT), ("Usage", signal.SIGKILL),
])
def test_stopped_after_any_step_it_goes_on(
    november: Program, undisturbed: str, after: str, sent: signal.Signals
) -> None:
    """The process is stopped as soon as it has told of a step, in the midst of the next."""
    with subprocess.Popen([PROGRAM, "demo"], cwd=november.home.parent, env=_environment(november), text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=_heeding_interrupts) as demo:
        assert demo.stderr is not None
        assert any(line.startswith(after) for line in demo.stderr)
        demo.send_signal(sent)
        demo.stderr.read()
    assert demo.returncode != 0
    assert november.run("demo") == undisturbed


def _heeding_interrupts() -> None:
    """As at a terminal, although a shell that runs the tests in the background has them ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_somebodys_own_folder_is_refused(program: Program) -> None:
    program.environment = {"FARTHING_NOW": NOVEMBER}
    _add_customer(program)
    done = subprocess.run([PROGRAM, "demo", "--home", str(program.home)], cwd=program.home.parent,
                          env=_environment(program), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "holds the data of My organization" in done.stderr


@pytest.mark.slow
def test_on_a_terminal_it_serves_on_the_next_free_port(november: Program) -> None:
    port = free_port()
    november.environment["FARTHING_PORT"] = str(port)
    with socket.socket() as taken, _on_a_terminal(november) as screen:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        told = ""
        while "with its data in" not in told:
            told += os.read(screen, 65536).decode()
        served = re.findall(r"Farthing on (http://127\.0\.0\.1:(\d+))", told)
        [(url, chosen)] = served
        assert int(chosen) > port
        assert f"Port {port} is taken" in told
        key = re.search(r"API key: +(fk_\S+)", told)
        number = re.search(r"/v1/invoices/(INV-\S+)", told)
        assert key
        assert number
        november.port = int(chosen)
        november.wait_until_ready()
        assert number[1].encode() in _answer(f"{url}/v1/invoices/{number[1]}", key[1])


@pytest.mark.slow
def test_no_serve_on_a_terminal_ends(november: Program) -> None:
    with _on_a_terminal(november, "--no-serve") as screen:
        assert "farthing serve --home" in _all(screen)


@contextmanager
def _on_a_terminal(program: Program, *arguments: str) -> Iterator[int]:
    """The demo with a terminal of its own, told to stop at the end."""
    screen, inside = pty.openpty()
    demo = subprocess.Popen([PROGRAM, "demo", *arguments], cwd=program.home.parent, env=_environment(program),
                            stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
    os.close(inside)
    try:
        yield screen
    finally:
        demo.send_signal(signal.SIGINT)
        os.close(screen)
        demo.wait(20)


def _all(screen: int) -> str:
    told = b""
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # what Linux says once nobody writes to a terminal any more
            piece = b""
        if not piece:
            return told.decode()
        told += piece


def _answer(url: str, key: str) -> bytes:
    """What the server answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def _add_customer(program: Program) -> None:
    program.start()
    program.post("/v1/customers", {"key": "own", "name": "My own"})
    program.stop()


def _invoices(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if INVOICE.fullmatch(line)]


def _environment(program: Program) -> dict[str, str]:
    return program._environment()
