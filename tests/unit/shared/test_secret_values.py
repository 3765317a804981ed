from pathlib import Path

import pytest
from pydantic import SecretStr

from geophone_shared.errors import ConfigError
from geophone_shared.listen_address import ListenAddress
from geophone_shared.settings.secret_values import api_token, refuse_open_doors, secret
from geophone_shared.settings.sections import AlerterSettings, EmailSettings

EVERYONE = ListenAddress("0.0.0.0", 8053)  # noqa: S104 - nothing listens


def test_a_secret_stands_in_its_setting_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" hunter2 \n", encoding="utf-8")
    assert secret(EmailSettings(), "password") is None
    assert secret(EmailSettings(password=SecretStr("hunter2")), "password") == "hunter2"
    assert secret(EmailSettings(password_file=file), "password") == " hunter2 "


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"can't be read \(No such file or directory\)"),
        (b"", "one line with the secret alone"),
        (b"\n\n", "one line with the secret alone"),
        (b"hunter2\nhunter3\n", "one line with the secret alone"),
        (b"hunter2\xff", "isn't text"),
    ],
)
def test_a_file_without_a_secret_is_named_and_its_content_isn_t(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence) as refused:
        secret(EmailSettings(password_file=file), "password")
    assert str(refused.value).startswith(f"password_file names '{file}', ")
    assert "hunter" not in str(refused.value)
    assert not isinstance(refused.value.__cause__, ValueError)


def test_on_loopback_no_token_is_needed() -> None:
    assert api_token(AlerterSettings()) is None
    assert api_token(AlerterSettings(http=ListenAddress("::1", 1))) is None


def test_a_token_opens_every_address() -> None:
    token = SecretStr("hunter2")
    assert api_token(AlerterSettings(http=EVERYONE, api_token=token)) == "hunter2"


def test_another_address_without_a_token_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0:8053.*set GEOPHONE_ALERTER_API_TOKEN_FILE"):
        api_token(AlerterSettings(http=EVERYONE))


def test_a_token_s_file_is_read_when_it_is_used_and_not_before(tmp_path: Path) -> None:
    alerter = AlerterSettings(http=EVERYONE, api_token_file=tmp_path / "absent")
    refuse_open_doors(alerter)
    with pytest.raises(ConfigError, match="api_token_file names"):
        api_token(alerter)
