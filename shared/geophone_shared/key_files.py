"""Where the secret key of the hash tables lies: a file, the environment, the data folder [shell].

A key is 16 bytes, or 32 hexadecimal digits for them. No message shows a part of one.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from geophone_shared.errors import ConfigError
from geophone_shared.hashing import KEY_BYTES, SecretKey

HASH_KEY = "GEOPHONE_DETECTOR_HASH_KEY"
"""Environment variable that holds a key, in hexadecimal digits."""
HASH_KEY_FILE = "GEOPHONE_DETECTOR_HASH_KEY_FILE"
"""Environment variable that names a key's file."""
GENERATED_NAME = "hash-key"
"""What the file of a generated key is called."""

_MOST_BYTES = 1_024  # more than any key with blanks around it
_OTHERS = 0o007


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and what its owner should know.

    Attributes:
        secret: the key.
        warning: a sentence, where others may see the key.
    """

    secret: SecretKey
    warning: str | None = None


def configured_key(file: str | None, environment: Mapping[str, str]) -> FoundKey | None:
    """The key that someone has set; None where nobody has.

    Args:
        file: an option's, which comes before the environment.
        environment: that of the process.

    Raises:
        ConfigError: it is set twice, or can't be used.
    """
    if file is not None:
        return key_from_file(Path(file))
    if HASH_KEY in environment and HASH_KEY_FILE in environment:
        raise ConfigError(f"{HASH_KEY} and {HASH_KEY_FILE} are both set; unset one of them")
    if HASH_KEY_FILE in environment:
        return key_from_file(Path(environment[HASH_KEY_FILE]))
    if HASH_KEY in environment:
        return FoundKey(key_from_hex(environment[HASH_KEY], HASH_KEY))
    return None


def key_from_hex(text: str, source: str) -> SecretKey:
    """The key that 32 hexadecimal digits are; blanks around them don't matter.

    Args:
        text: the digits.
        source: where they come from, for the message.

    Raises:
        ConfigError: they are something else.
    """
    digits = text.strip()
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", digits):
        raise ConfigError(
            f"{source} holds no hash key: give it {2 * KEY_BYTES} hexadecimal digits, such as"
            f" `openssl rand -hex {KEY_BYTES}` prints"
        )
    return SecretKey.from_bytes(bytes.fromhex(digits))


def key_from_file(path: Path) -> FoundKey:
    """The key that a file holds: 16 bytes or 32 hexadecimal digits; a line may end after them.

    A file that every user may read is warned of, not refused: in a container that is how secrets
    are mounted, and nobody else is there. A pipe will do too.

    Raises:
        ConfigError: it can't be read, or holds something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise ConfigError(
            f"the hash key {path} can't be read: {error.strerror}; check the path and its owner"
        ) from error
    warning = None
    if mode & _OTHERS:
        warning = (
            f"the hash key {path} is open to every user of this machine (mode {mode & 0o777:04o});"
            " chmod o= it, or mount it with defaultMode 0440"
        )
    for raw in (content, content.removesuffix(b"\n").removesuffix(b"\r")):
        if len(raw) == KEY_BYTES:
            return FoundKey(SecretKey.from_bytes(raw), warning)
    return FoundKey(key_from_hex(content.decode("ascii", "replace"), str(path)), warning)


def key_in_folder(folder: Path) -> FoundKey:
    """The key that a data folder holds; where there is none yet, a new one is put there.

    Processes that start at once agree: the first whole file wins, and the others read it.

    Args:
        folder: has to exist.

    Raises:
        ConfigError: the folder can't be written, or what it holds is no key.
    """
    path = folder / GENERATED_NAME
    try:
        if not path.exists():
            _put_new_key(path)
    except OSError as error:
        raise ConfigError(
            f"no hash key can be put into {folder}: {error.strerror}; make the folder writable, or"
            f" set {HASH_KEY_FILE}"
        ) from error
    return key_from_file(path)


def _put_new_key(path: Path) -> None:
    """Put a new key there, readable for its owner alone; one that is there by then stays."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the umask
        file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
        # A link, because renaming would replace the key of a process that was a little faster.
        with suppress(FileExistsError):
            os.link(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
