"""Settings: defaults, then `farthing.toml` in the home, then the environment; each documented here once."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from farthing.kernel.problems import Misconfigured

DEFAULT_HOME = "./farthing-data"
PREFIX = re.compile(r"org_[0-9a-z]+=s3://[a-z0-9.-]+/(?:[^,\s]*/)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One knob: its name in lower case in the file, its environment variable, default and meaning."""

    name: str
    default: str
    meaning: str
    secret: bool = False

    @property
    def variable(self) -> str:
        return f"FARTHING_{self.name.upper()}"


SETTINGS = (
    Setting("home", DEFAULT_HOME, "folder of the database, keys and files (environment or --home only)"),
    Setting("database_url", "", "sqlite:///PATH, postgresql://..., mysql://...; empty: a file in the home", True),
    Setting("customers_url", "", "mongodb://... for the customer book; empty: the database", True),
    Setting("cache_url", "", "redis://... for finished answers; empty: in the process", True),
    Setting("event_keys", "files", "what tells repeated events: files (in the home), or index (in the database)"),
    Setting("only", "", "rooms that this process serves, with commas; empty: all of them"),
    Setting("identity_at", "", "http://... where identity is served; empty: in this process"),
    Setting("customers_at", "", "http://... where customers are served; empty: in this process"),
    Setting("catalog_at", "", "http://... where the catalogue is served, for usage; empty: in this process"),
    Setting("usage_at", "", "http://... where usage is served; empty: in this process"),
    Setting("billing_at", "", "http://... where billing is served, for customers and catalog; empty: in this process"),
    Setting("service", "", "the name under which this process asks others; empty: that of its only room"),
    Setting("service_secret", "", "what this process shows identity to be given tokens of its own", True),
    Setting("service_secrets", "", "for identity: folder with the secret of each service, in a file of its name"),
    Setting(
        "import_prefixes", "",
        "from where organisations may import: org_...=s3://bucket/folder/, several with commas; empty: from no bucket",
    ),
    Setting("proxies", "0", "how many proxies stand in front, whose X-Forwarded-For is believed"),
    Setting("host", "127.0.0.1", "address `farthing serve` listens on"),
    Setting("port", "8000", "port `farthing serve` listens on"),
    Setting("threads", "16", "requests answered at the same time by `farthing serve`"),
    Setting("issuer", "farthing", "`iss` of access tokens; the same for all services of one deployment"),
    Setting("log_level", "info", "debug, info, warning or error"),
    Setting("log_format", "json", "json, or text for a person"),
    Setting("now", "", "RFC 3339 instant at which the clock starts, for trials only; empty: the machine's clock"),
)


ROOMS = ("identity", "customers", "catalog", "usage", "billing", "payments")  # what may be served apart


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, each a checked value; `sources` says where each came from."""

    home: Path
    database_url: str
    customers_url: str
    cache_url: str
    event_keys: str
    only: tuple[str, ...]
    identity_at: str
    customers_at: str
    catalog_at: str
    usage_at: str
    billing_at: str
    service: str
    service_secret: str
    service_secrets: str
    import_prefixes: tuple[str, ...]
    proxies: int
    host: str
    port: int
    threads: int
    issuer: str
    log_level: str
    log_format: str
    now: str
    sources: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """The environment that gives another process these settings."""
        values = {setting.variable: text_of(getattr(self, setting.name)) for setting in SETTINGS}
        return {name: value for name, value in values.items() if value}


def text_of(value: object) -> str:
    """A setting as it is written."""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def load_settings(environment: Mapping[str, str] | None = None, **overrides: str | None) -> Settings:
    """Read all settings; raises Misconfigured naming setting, value and rule.

    environment  the process's own unless given
    overrides    from the command line, by setting name; None leaves a setting alone
    """
    variables = os.environ if environment is None else environment
    given = {name: value for name, value in overrides.items() if value is not None}
    home = Path(given.get("home") or variables.get("FARTHING_HOME") or DEFAULT_HOME).expanduser().absolute()
    in_file = _file_settings(home / "farthing.toml")
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        candidates = (
            ("command line", given.get(setting.name)),
            ("environment", variables.get(setting.variable) or None),
            ("file", _from_file(setting, variables)),
            ("farthing.toml", in_file.get(setting.name)),
            ("default", setting.default),
        )
        source, value = next((s, v) for s, v in candidates if v is not None)
        values[setting.name], sources[setting.name] = value, source
    return Settings(
        home=home,
        database_url=values["database_url"],
        customers_url=values["customers_url"],
        cache_url=values["cache_url"],
        event_keys=_one_of("event_keys", values["event_keys"], ("files", "index")),
        only=_rooms("only", values["only"]),
        identity_at=_address("identity_at", values["identity_at"]),
        customers_at=_address("customers_at", values["customers_at"]),
        catalog_at=_address("catalog_at", values["catalog_at"]),
        usage_at=_address("usage_at", values["usage_at"]),
        billing_at=_address("billing_at", values["billing_at"]),
        service=values["service"],
        service_secret=values["service_secret"],
        service_secrets=values["service_secrets"],
        import_prefixes=_prefixes("import_prefixes", values["import_prefixes"]),
        proxies=_integer("proxies", values["proxies"], 0, 10),
        host=values["host"],
        port=_integer("port", values["port"], 0, 65535),
        threads=_integer("threads", values["threads"], 1, 1024),
        issuer=values["issuer"],
        log_level=_one_of("log_level", values["log_level"], ("debug", "info", "warning", "error")),
        log_format=_one_of("log_format", values["log_format"], ("json", "text")),
        now=values["now"],
        sources=sources,
    )


def _file_settings(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} is not a TOML file: {error}.") from error
    known = {setting.name for setting in SETTINGS} - {"home"}
    if unknown := sorted(set(found) - known):
        raise Misconfigured(f"{path} sets {', '.join(unknown)}; known settings are {', '.join(sorted(known))}.")
    return {name: str(value) for name, value in found.items()}


def _from_file(setting: Setting, variables: Mapping[str, str]) -> str | None:
    """A secret that stands in a file, which `VARIABLE_FILE` names, as container engines hand them over."""
    place = variables.get(f"{setting.variable}_FILE") if setting.secret else None
    if not place:
        return None
    try:
        return Path(place).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{setting.variable}_FILE names {place}, which cannot be read: {error}.") from error


def _rooms(name: str, text: str) -> tuple[str, ...]:
    rooms = tuple(room.strip() for room in text.split(",") if room.strip())
    if unknown := [room for room in rooms if room not in ROOMS]:
        raise Misconfigured(f"{name} names {unknown[0]!r}; it must name some of {', '.join(ROOMS)}.")
    return rooms


def _prefixes(name: str, text: str) -> tuple[str, ...]:
    """Each an organisation and a folder; one without its last slash would take in the folders that begin like it."""
    found = tuple(one.strip() for one in text.split(",") if one.strip())
    if wrong := [one for one in found if not PREFIX.fullmatch(one)]:
        raise Misconfigured(f"{name} names {wrong[0]!r}; it must look like org_...=s3://bucket/folder/.")
    return found


def _address(name: str, text: str) -> str:
    place = urlsplit(text)
    if text and (place.scheme not in ("http", "https") or not place.hostname or place.query or place.fragment):
        raise Misconfigured(f"{name} is {text!r}; it must look like http://customers:8000.")
    return text.rstrip("/")


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise Misconfigured(f"{name} is {text!r}; it must be a whole number from {least} to {most}.")
    return int(text)


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise Misconfigured(f"{name} is {text!r}; it must be one of {', '.join(allowed)}.")
    return text
