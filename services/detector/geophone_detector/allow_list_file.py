"""The allow list that is in use: the shipped one, or a file [shell]."""

from pathlib import Path

from geophone_detector.allow_list import SHIPPED_ENTRIES, parse_allow_list, wire_entries
from geophone_shared.errors import ConfigError
from geophone_shared.suffixes import SuffixTable, compile_suffix_set


def read_allow_list(path: Path | None) -> SuffixTable:
    """The allow list of a file; the shipped one where there is none.

    Raises:
        ConfigError: the file can't be read, or has a line that is no domain.
    """
    if path is None:
        return compile_suffix_set(wire_entries(SHIPPED_ENTRIES))
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the allow list {path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the allow list {path} isn't UTF-8 text") from error
    return compile_suffix_set(parse_allow_list(text, str(path)))
