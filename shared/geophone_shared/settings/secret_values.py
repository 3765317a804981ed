"""Secrets, from their setting or from the file that it names."""

from pathlib import Path

from pydantic import SecretStr

from geophone_shared.errors import ConfigError
from geophone_shared.settings.sections import AlerterSettings, Section

_MOST_BYTES = 64 * 1024


def secret(section: Section, name: str) -> str | None:
    """The secret that the setting `name` or `name_file` gives; None where neither does.

    The file is read now, not when the settings are loaded: it may be there for one service alone.

    Raises:
        ConfigError: the file can't be read, or holds no line of text.
    """
    value = getattr(section, name)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    file: Path | None = getattr(section, f"{name}_file")
    return None if file is None else secret_in(file, f"{name}_file")


def secret_in(file: Path, name: str) -> str:
    """The secret in a file that holds it in one line.

    Args:
        file: which.
        name: of the setting or option that names it, for the message.

    Raises:
        ConfigError: the file can't be read, or holds no line of text.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES).decode().strip("\r\n")
    except OSError as error:
        raise ConfigError(
            f"{name} names {str(file)!a}, which can't be read ({error.strerror}):"
            " correct the path or its owner"
        ) from error
    except ValueError:
        # Without its cause, which shows the bytes.
        raise ConfigError(f"{name} names {str(file)!a}, which isn't text: correct it") from None
    if not text or not text.isprintable():
        raise ConfigError(
            f"{name} names {str(file)!a}, which has to hold one line with the secret alone"
        )
    return text


def api_token(alerter: AlerterSettings) -> str | None:
    """The token of REST; None where it is served on loopback without one.

    Raises:
        ConfigError: others could reach it without a token, or the token's file can't be used.
    """
    refuse_open_doors(alerter)
    return secret(alerter, "api_token")


def refuse_open_doors(alerter: AlerterSettings) -> None:
    """See that only this machine reaches REST where it takes no token.

    Raises:
        ConfigError: set a token, or listen on a loopback address.
    """
    has_token = alerter.api_token is not None or alerter.api_token_file is not None
    if not has_token and not alerter.http.is_loopback:
        raise ConfigError(
            f"alerter.http is {alerter.http}, where others can reach it, and there is no token:"
            " set GEOPHONE_ALERTER_API_TOKEN_FILE, or listen on 127.0.0.1"
        )
