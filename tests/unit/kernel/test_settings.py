"""Settings come from the command line, the environment, the home's file, or their defaults, in this order."""

from pathlib import Path

import pytest

from farthing.kernel.opening import database_url
from farthing.kernel.problems import Misconfigured
from farthing.kernel.settings import load_settings


def test_the_nearest_source_decides(tmp_path: Path) -> None:
    (tmp_path / "farthing.toml").write_text('port = 1\nhost = "10.0.0.1"\nthreads = 3\n')
    environment = {"FARTHING_HOME": str(tmp_path), "FARTHING_HOST": "10.0.0.2", "FARTHING_PORT": "2"}
    settings = load_settings(environment, port="3")
    assert (settings.port, settings.host, settings.threads, settings.issuer) == (3, "10.0.0.2", 3, "farthing")
    assert [settings.sources[name] for name in ("port", "host", "threads", "issuer")] == [
        "command line", "environment", "farthing.toml", "default",
    ]


@pytest.mark.parametrize(("name", "value"), [
    ("PORT", "65536"), ("PORT", "http"), ("PORT", "-1"), ("THREADS", "0"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
])
def test_a_wrong_value_is_named_with_its_rule(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=f"{name.lower()}.*must be"):
        load_settings({f"FARTHING_{name}": value}, home=str(tmp_path))


def test_a_misspelt_setting_in_the_file_is_not_ignored(tmp_path: Path) -> None:
    (tmp_path / "farthing.toml").write_text("prot = 1\n")
    with pytest.raises(Misconfigured, match="prot"):
        load_settings({}, home=str(tmp_path))


@pytest.mark.parametrize("url", ["oracle://x", "nonsense", "sqlite://"])
def test_a_database_that_is_not_known_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="database_url"):
        database_url(url, tmp_path)
