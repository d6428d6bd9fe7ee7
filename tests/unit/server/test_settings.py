"""What an operator sets: options, environment, a file; which of them goes first, and what is said of a wrong one."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from entrenous.channel import CLASSIC
from entrenous.cli.logs import LogFormat, LogLevel
from entrenous.cli.main import app
from entrenous.client.profile import profile_directory
from entrenous.errors import UnavailableError, UsageError
from entrenous.identity import parse_link
from entrenous.server import (
    Effective,
    Found,
    Limits,
    Rate,
    Settings,
    Sources,
    example_file,
    limit_meanings,
    load_settings,
    parse_flag,
    shown_settings,
)
from entrenous.server.configuration.limits import parse_limit
from entrenous.server.configuration.setting_kinds import hide_secrets, text_of
from entrenous.server.configuration.settings import LOG_FORMATS, LOG_LEVELS, about_settings
from entrenous.server.configuration.settings_sources import setting_names
from server_directory import populate, server_command


def load(data: Path, *flags: str, environment: dict[str, str] | None = None, file: Path | None = None) -> Effective:
    given = {name: Found(text, f"--set {name}") for name, text in map(parse_flag, flags)}
    return load_settings(Sources(lambda: data, given, environment or {}, file))


def limits_of(data: Path, *flags: str) -> Limits:
    return load(data, *(f"limits.{flag}" for flag in flags)).settings.limits


def test_a_command_beside_a_server_reads_the_file_that_the_server_was_started_with(tmp_path: Path) -> None:
    data, told = tmp_path / "data", tmp_path / "told.toml"
    data.mkdir()
    (data / "server.toml").write_text("port = 1")
    told.write_text("port = 2")

    def port(file: Path | None = None, **environment: str) -> int:
        sources = Sources(lambda: data, environment=environment, file=file, former_file=lambda _directory: told)
        return load_settings(sources).settings.port

    assert port() == 2
    # What is named goes before it.
    other = tmp_path / "other.toml"
    other.write_text("port = 3")
    assert port(other) == port(ENTRENOUS_SERVER_CONFIG=str(other)) == 3
    assert load_settings(Sources(lambda: data, file=other)).named == other
    told.unlink()
    assert port() == 1
    (note,) = load_settings(Sources(lambda: data, former_file=lambda _directory: told)).notes
    assert str(told) in note


def test_an_invite_remembers_the_public_address_that_it_is_given(tmp_path: Path) -> None:
    populate(tmp_path)
    for words in (("--public", "chat.example.org:7500"), ()):
        (made,) = server_command(tmp_path, "invite", "--json", *words).lines
        assert parse_link(made["link"]).port == 7500


def test_who_has_no_home_needs_none_where_the_directory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless(*_words: object, **_more: object) -> Path:
        raise RuntimeError

    monkeypatch.setattr("platformdirs.user_data_path", homeless)
    assert entrenous("server", "config", "--data", str(tmp_path)).exit_code == 0
    refused = entrenous("server", "config")
    assert refused.exit_code == 3
    assert "--data" in refused.stderr
    with pytest.raises(UnavailableError, match="no home"):
        profile_directory()


def test_without_a_word_from_the_operator_the_defaults_hold(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found.settings == Settings(data_dir=tmp_path)
    assert found.settings.limits == Limits()
    assert (found.files, found.notes, dict(found.origins)) == ((), (), {})
    assert {each.origin for each in shown_settings(found)} == {"default"}


def test_options_go_before_the_environment_that_before_the_file_and_that_before_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text(
        'host = "192.0.2.1"\nport = 1\nsweep_seconds = 60\n\n[limits]\nclaims = "5/600"\nlookups = "1/1"\n'
    )
    environment = {
        "ENTRENOUS_SERVER_PORT": "2",
        "ENTRENOUS_SERVER_SWEEP_SECONDS": "70",
        "ENTRENOUS_SERVER_LIMITS_CLAIMS": "6/600",
        "ENTRENOUS_SERVER_BUS": "",
        "HOME": "/",
    }
    found = load(tmp_path, "port=3", "limits.claims=7/600.5", environment=environment)
    settings = found.settings
    assert (settings.host, settings.port, settings.sweep_seconds, settings.bus) == ("192.0.2.1", 3, 70.0, None)
    assert (settings.limits.claims, settings.limits.lookups) == (Rate(7, 600.5), Rate(1, 1.0))
    assert found.files == (tmp_path / "server.toml",)
    told = {each.name: each.origin for each in shown_settings(found)}
    assert told["host"] == f"{tmp_path / 'server.toml'}, line 1"
    assert told["port"] == "--set port"
    assert told["sweep_seconds"] == "ENTRENOUS_SERVER_SWEEP_SECONDS"
    assert told["limits.lookups"] == f"{tmp_path / 'server.toml'}, line 7"
    assert told["suites"] == "default"


def test_a_file_that_is_named_stands_in_for_the_one_in_the_data_directory(tmp_path: Path) -> None:
    data, named = tmp_path / "data", tmp_path / "etc.toml"
    data.mkdir()
    (data / "server.toml").write_text("port = 1")
    named.write_text(f"sweep_seconds = 60\ndata_dir = {json.dumps(str(data))}")
    for found in (load(tmp_path, file=named), load(tmp_path, environment={"ENTRENOUS_SERVER_CONFIG": str(named)})):
        assert found.settings == Settings(data_dir=data, sweep_seconds=60.0)
        assert found.files == (named,)
    assert load(tmp_path, f"data_dir={data}").settings.port == 1
    assert load(tmp_path, environment={"ENTRENOUS_SERVER_DATA_DIR": str(data)}).settings.port == 1
    (data / "server.toml").write_text('data_dir = "/elsewhere"')
    with pytest.raises(UsageError, match=r"server\.toml, line 1: data_dir is where this file lies"):
        load(data)


def test_the_old_file_of_limits_is_still_read_with_a_note_and_the_new_one_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text('connections = 500\nclaims = "5/600"\n')
    (tmp_path / "server.toml").write_text("[limits]\nconnections = 600\n")
    found = load(tmp_path)
    assert found.settings.limits == Limits(connections=600, claims=Rate(5, 600.0))
    assert found.origin("limits.claims").endswith("limits.toml, line 2")
    (note,) = found.notes
    assert "limits.toml" in note
    assert "[limits]" in note


EVERYTHING: dict[str, tuple[str, Any]] = {
    "data_dir": ('"/srv/entrenous"', Path("/srv/entrenous")),
    "host": ('"::1"', "::1"),
    "port": ("7500", 7500),
    "public_address": ('"chat.example.org:7443"', "chat.example.org:7443"),
    "suites": ('["classic"]', (CLASSIC.number,)),
    "members_may_invite": ("false", False),
    "sweep_seconds": ("1.5", 1.5),
    "store": ('"postgresql+psycopg://db.example.org/entrenous"', "postgresql+psycopg://db.example.org/entrenous"),
    "bus": ('"nats://bus.example.org"', "nats://bus.example.org"),
    "poll_seconds": ("7", 7.0),
    "proxy_from": ('["10.0.0.0/8", "2001:db8::1"]', (ip_network("10.0.0.0/8"), ip_network("2001:db8::1"))),
    "metrics_host": ('"::1"', "::1"),
    "metrics_port": ("7444", 7444),
    "log_level": ('"warning"', "warning"),
    "log_format": ('"json"', "json"),
}


@pytest.mark.parametrize("name", about_settings())
def test_every_setting_is_read_from_a_file_and_from_text_alike(name: str, tmp_path: Path) -> None:
    written, value = EVERYTHING[name]
    file = tmp_path / "named.toml"
    file.write_text(f"{name} = {written}")
    assert getattr(load(tmp_path, file=file).settings, name) == value
    text = re.sub(r"[\[\]\" ]", "", written)
    environment = {f"ENTRENOUS_SERVER_{name.upper()}": text}
    assert getattr(load(tmp_path, environment=environment).settings, name) == value
    assert about_settings()[name].meaning


def test_the_example_is_a_file_of_all_defaults(tmp_path: Path) -> None:
    text = example_file()
    assert all(line.startswith(("#", "[")) or not line for line in text.splitlines())
    file = tmp_path / "named.toml"
    file.write_text(re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE))
    found = load(tmp_path, file=file)
    assert found.settings == Settings(data_dir=tmp_path)
    assert sorted(found.origins) == sorted(setting_names())


def test_the_logs_levels_and_formats_are_those_that_the_command_line_has() -> None:
    assert list(LOG_LEVELS) == [each.value for each in LogLevel]
    assert list(LOG_FORMATS) == [each.value for each in LogFormat]


@pytest.mark.parametrize("name", [each.name for each in fields(Limits)])
def test_every_limit_can_be_set_as_it_is_shown(name: str, tmp_path: Path) -> None:
    assert limits_of(tmp_path, f"{name}={getattr(Limits(), name)}") == Limits()
    assert limit_meanings()[name]


@pytest.mark.parametrize(
    "option",
    [
        *("=", "connections=", "connections=many", "connections=0", "connections=-1", "connections=5,"),
        *("connections=1.5", "__init__=1", "claims=5", "claims=5/", "claims=/5", "claims=0/5", "claims=5/nan"),
        *("claims=5/0", "idle_seconds=nan", "idle_seconds=inf", "claims=5/inf", "claims=5/1e-320", "claims=5/1e300"),
        *(f"claims={'9' * 400}/5", f"connections={'9' * 400}", f"connections={'9' * 5_000}", "uploads=1/1"),
        *("message_bytes=99999999", "message_bytes_before_login=0"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_sentence(option: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--set limits\.\w*: \w+ .* "):
        limits_of(tmp_path, option)
    name, _, value = option.partition("=")
    (tmp_path / "server.toml").write_text(f'port = 1\n[limits]\n"{name}" = "{value}"')
    with pytest.raises(UsageError, match=r"server\.toml, line 3: "):
        load(tmp_path)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("port = 65536", r"line 1: port is a port, 0 to 65535, not '65536'"),
        ("port = true", r"line 1: port is a port"),
        ('port = ["7443"]', r"line 1: port is a port"),
        ("port = [7443]", r"line 1: port has a value of a kind"),
        ("port = 7443.5", r"line 1: port is a port"),
        ("prot = 7443", r"line 1: there is no setting called 'prot'; did you mean port\?"),
        ("connections = 5", r"line 1: there is no setting called 'connections'; did you mean limits.connections\?"),
        ("[limits]\nconnectionz = 5", r"line 2: there is no limit called 'connectionz'; did you mean connections\?"),
        ("[limit]\nconnections = 5", r"line 1: there is no table \[limit\]; the only one is \[limits\]"),
        ("limits = 5", r"line 1: limits is a table"),
        ("[limits]\nconnections = [5]", r"line 2: limits.connections has a value of a kind"),
        ('[limits]\nconnections = ["5"]', r"line 2: connections is no list"),
        ("[limits.connections]\nx = 1", r"limits.connections has a value of a kind"),
        ("\n\nport = 1979-05-27", r"line 3: port has a value of a kind"),
        ("suites = []", r"line 1: suites is some of hybrid, classic, not ''"),
        ('suites = ["quantum"]', r"line 1: suites is some of"),
        ("members_may_invite = 3", r"line 1: members_may_invite is true or false, not '3'"),
        ("sweep_seconds = nan", r"line 1: sweep_seconds is seconds, 1 to 86400, not 'nan'"),
        ('proxy_from = ["10.0.0.1/8"]', r"line 1: proxy_from is a list of addresses"),
        ('proxy_from = ["a,b"]', r"line 1: proxy_from has a value of a kind"),
        ('public_address = "a b"', r"line 1: public_address is HOST:PORT"),
        ('log_level = "loud"', r"line 1: log_level is one of debug, info, warning, error, not 'loud'"),
        ('store = "https:/secret"', r"line 1: store is a URL such as scheme://host, not what is written there"),
        ('data_dir = "a\\u0000b"', r"line 1: data_dir is a path"),
        ('data_dir = "~nobody_there/x"', r"line 1: data_dir is a path"),
        ("port", r"Expected '='"),
        ("= 1", r"line 1"),
        ("port = 1\nport = 2\n", r"line 2"),
    ],
)
def test_a_wrong_line_is_told_with_its_place_its_value_and_its_bounds(line: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "named.toml"
    file.write_text(line)
    with pytest.raises(UsageError, match=sentence) as caught:
        load(tmp_path, file=file)
    assert str(caught.value).startswith(str(file))
    assert "secret" not in str(caught.value)


#: What the reader of TOML has other errors for.
TOO_MUCH = (b"port = " + b"[" * 100_000, b"port = " + b"9" * 5_000, b"port = 0x" + b"f" * 5_000, b"#" * (2 << 20))


@pytest.mark.parametrize("name", ["server.toml", "limits.toml"])
@pytest.mark.parametrize("body", [b"\xff", b"connections", *TOO_MUCH])
def test_a_file_that_is_none_is_refused(body: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(UsageError, match=re.escape(name)):
        load(tmp_path)


@pytest.mark.parametrize("name", ["server.toml", "limits.toml"])
def test_a_file_that_cannot_be_read_is_unavailable(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UnavailableError, match=re.escape(name)):
        load(tmp_path)
    with pytest.raises(UnavailableError, match=r"not-there"):
        load(tmp_path, file=tmp_path / "not-there")


def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path) -> None:
    for name, near in (("PROT", "port"), ("LIMITS_CONNECTION", "connections"), ("STORE_FILES", "store_file")):
        variable = f"ENTRENOUS_SERVER_{name}"
        with pytest.raises(UsageError, match=rf"^{variable}: there is no .* did you mean {near}\?"):
            load(tmp_path, environment={variable: "1"})
    with pytest.raises(UsageError, match="ENTRENOUS_SERVER_CONFIG is no path"):
        load(tmp_path, environment={"ENTRENOUS_SERVER_CONFIG": "a\0b"})


URL = "postgresql+psycopg://entrenous:pass/w@rd@db.example.org/entrenous?sslpassword=hidden"


def test_what_holds_a_password_can_stand_in_a_file_of_its_own_and_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "store-url"
    secret.write_text(URL + "\n")
    (tmp_path / "server.toml").write_text(f"store_file = {json.dumps(str(secret))}\n")
    environment = {"ENTRENOUS_SERVER_BUS_FILE": str(secret)}
    found = load(tmp_path, environment=environment)
    assert found.settings.store == found.settings.bus == URL
    shown = {each.name: each for each in shown_settings(found)}
    assert shown["store"].value == shown["bus"].value == "postgresql+psycopg://***@db.example.org/entrenous?***"
    assert shown["store"].origin == f"{tmp_path / 'server.toml'}, line 1 ({secret})"
    assert "rd@" not in repr(found) + repr(found.settings)
    (tmp_path / "server.toml").write_text(f'store = "sqlite://x"\nstore_file = {json.dumps(str(secret))}\n')
    with pytest.raises(UsageError, match=r"line 2: store and store_file are both set"):
        load(tmp_path)


def test_a_file_for_a_password_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"BUS_FILE: .*missing cannot be read"):
        load(tmp_path, environment={"ENTRENOUS_SERVER_BUS_FILE": str(tmp_path / "missing")})
    (tmp_path / "bytes").write_bytes(b"\xff")
    for path in (str(tmp_path / "bytes"), "a\0b"):
        with pytest.raises(UsageError, match=r"BUS_FILE: .*names no file with text in it"):
            load(tmp_path, environment={"ENTRENOUS_SERVER_BUS_FILE": path})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nats://token@bus", "nats://***@bus"),
        ("nats://a:b@one,nats://c:d@two", "nats://***@two"),
        ("sqlite:///srv/server.db", "sqlite:///srv/server.db"),
        ("nats://bus#secret", "nats://bus?***"),
    ],
)
def test_a_url_is_shown_without_who_logs_in_and_with_what(url: str, shown: str) -> None:
    assert hide_secrets(url) == shown


@given(st.text(), st.text())
def test_any_text_is_a_value_or_refused(name: str, text: str) -> None:
    for each in (name, "connections", "claims", "idle_seconds"):
        try:
            parse_limit(each, text)
        except UsageError:
            continue
    for setting, about in about_settings().items():
        try:
            value = about.kind.read(text)
        except ValueError:
            continue
        assert about.kind.read(text_of(about.kind.plain(value))) == value, setting
    try:
        load(Path("/nowhere"), f"{name}={text}")
    except UsageError:
        return


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def entrenous(*command: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(command), env=environment)


def test_a_person_sees_every_setting_and_where_it_is_from(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("port = 7500\nsweep_seconds = 60")
    command = ("server", "config", "--data", str(tmp_path), "--set", "store=" + URL, "--limit", "claims=5/600")
    shown = entrenous(*command, ENTRENOUS_SERVER_PORT="7600")
    assert shown.exit_code == 0
    assert "pass" not in shown.stdout
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert list(lines) == setting_names()
    assert lines["port"].split()[1:] == ["7600", "ENTRENOUS_SERVER_PORT"]
    assert lines["sweep_seconds"].split()[1:3] == ["*", "60.0"]
    told = {each["name"]: each for each in map(json.loads, entrenous(*command, "--json").stdout.splitlines())}
    assert (told["port"]["value"], told["host"]["value"]) == (7500, None)
    assert (told["limits.claims"]["value"], told["limits.claims"]["origin"]) == ("5/600", "--limit claims")
    assert list(tmp_path.iterdir()) == [tmp_path / "server.toml"]


def test_a_person_gets_an_example_to_begin_with() -> None:
    assert entrenous("server", "config", "--example").stdout.strip() == example_file().strip()


def test_a_person_sees_every_limit_and_what_was_set(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text("connections = 500")
    command = ("server", "limits", "--data", str(tmp_path), "--limit", "claims=5/600")
    shown = entrenous(*command)
    assert shown.exit_code == 0
    assert "[limits] of server.toml" in shown.stderr
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(limit_meanings())
    assert [line.split()[0] for line in lines if " * " in line] == ["connections", "claims"]
    told = [json.loads(line) for line in entrenous(*command, "--json").stdout.splitlines()]
    assert {each["name"]: each["value"] for each in told}["claims"] == "5/600"


def test_a_person_who_sets_what_is_no_limit_is_told(tmp_path: Path) -> None:
    for command in (["server", "limits"], ["server", "run", "--port", "0"]):
        refused = entrenous(*command, "--data", str(tmp_path), "--limit", "connectionz=5")
        assert refused.exit_code == 1
        assert "there is no limit called 'connectionz'; did you mean connections?" in refused.stderr
    assert list(tmp_path.iterdir()) == []
