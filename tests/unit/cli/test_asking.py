"""What people give a command: links that were through the mail, passwords typed twice, addresses that links carry."""

import signal
from collections.abc import Iterator

import pytest

from entrenous.cli.join import mended
from entrenous.cli.secrets_input import asked, new_password
from entrenous.cli.server.data import local_address
from entrenous.errors import RejectedError

LINK = "entrenous://chat.example.org/#AQ-_x"


@pytest.mark.parametrize("before", ["", "<", "( ", '"', "“", " \n\t"])
@pytest.mark.parametrize("after", ["", ">", ").", '",', "”", "\r\n"])
def test_what_mail_programs_put_around_and_into_a_link_goes(before: str, after: str) -> None:
    assert mended(f"{before}{LINK[:20]}\r\n {LINK[20:]}{after}") == LINK


def test_a_password_is_asked_for_until_it_is_good_and_typed_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed: Iterator[str] = iter(["weak", "good", "god", "good", "good"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _question: next(typed))

    def check(password: str) -> None:
        if password == "weak":
            raise RejectedError("AUTH-WEAK-PASSWORD", "a guess would find it")

    assert new_password(False, check) == "good"
    told = capsys.readouterr().err
    assert "Not this one: a guess would find it" in told
    assert "The two differ" in told
    assert list(typed) == []


def test_the_end_of_input_and_ctrl_c_end_a_question_alike() -> None:
    before = signal.getsignal(signal.SIGINT)

    def ends(_question: str) -> str:
        raise EOFError

    with pytest.raises(KeyboardInterrupt):
        asked("?", ends)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        (None, 7443, None),
        ("0.0.0.0", 7443, None),  # noqa: S104 nothing is bound
        ("::", 7443, None),
        ("127.0.0.1", 0, None),
        ("127.0.0.1", 7500, "127.0.0.1:7500"),
        ("::1", 7500, "[::1]:7500"),
        ("chat.example.org", 7443, "chat.example.org:7443"),
    ],
)
def test_links_carry_the_address_where_a_server_listens_at_one_only(
    host: str | None, port: int, address: str | None
) -> None:
    assert local_address(host, port) == address
