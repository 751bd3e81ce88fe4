"""The README's commands, run as they stand: what they print is what it says they print."""

import os
import re
import signal
import subprocess
from pathlib import Path

from tests.ports import free_port
from tests.system.program import PROGRAM

ROOT = Path(__file__).parents[2]
MARK = "=== next command ==="


def blocks(text: str) -> list[tuple[str, str]]:
    """The commands of the `console` blocks, each with what it is said to print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.strip()))
    return found


def matches(said: str, printed: str) -> bool:
    """`...` stands for anything, also over lines."""
    pattern = ".*".join(re.escape(piece) for piece in said.split("..."))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def test_the_readme_is_true(tmp_path: Path) -> None:
    commands = blocks((ROOT / "README.md").read_text("utf-8"))
    assert len(commands) > 10
    port = str(free_port())
    script = f"\necho '{MARK}'\n".join(command.replace("8000", port) for command, _ in commands)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FARTHING_")}
    environment |= {
        "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "FARTHING_PORT": port, "NO_COLOR": "1",
    }
    shell = subprocess.Popen(
        ["bash", "-c", script], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )
    try:
        stdout, stderr = shell.communicate(timeout=120)
    finally:
        os.killpg(shell.pid, signal.SIGKILL)  # the server that the README starts is in the shell's group
    printed = stdout.split(f"{MARK}\n")
    assert len(printed) == len(commands), stderr
    for (command, said), output in zip(commands, printed, strict=True):
        shown = output.replace(port, "8000")
        assert matches(said, shown), f"$ {command}\nprinted: {shown}\nsaid: {said}\n{stderr}"

