"""Where the secret key comes from, and that nobody else gets to see it."""

import os
import stat
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.key_files import (
    HASH_KEY,
    HASH_KEY_FILE,
    FoundKey,
    configured_key,
    key_from_file,
    key_from_hex,
    key_in_folder,
)

RAW = bytes(range(100, 116))
DIGITS = RAW.hex()
SECRET = SecretKey.from_bytes(RAW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the key's digits that only its owner may read."""
    path = tmp_path / "key"
    path.write_text(DIGITS)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "content",
    [
        RAW,
        RAW + b"\n",
        RAW + b"\r\n",
        DIGITS.encode(),
        DIGITS.upper().encode() + b"\n",
        b"  " + DIGITS.encode() + b"\r\n\n",
    ],
)
def test_sixteen_bytes_or_their_digits(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert key_from_file(path) == FoundKey(SECRET)


def test_bytes_that_end_as_a_line_does_are_a_key(path: Path) -> None:
    path.write_bytes(RAW[:14] + b"\r\n")
    assert key_from_file(path).secret == SecretKey.from_bytes(RAW[:14] + b"\r\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        RAW[:15],
        RAW + b"x",
        RAW * 100,
        DIGITS[:-1].encode(),
        DIGITS.encode() + b"0",
        DIGITS[:-1].encode() + b"g",
        " ".join(DIGITS[i : i + 2] for i in range(0, 22, 2)).encode(),  # 32 characters
        "٣".encode() * 32,  # another script's digits
    ],
)
def test_what_is_no_key_is_said_without_showing_it(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        key_from_file(path)
    assert str(raised.value) == (
        f"{path} holds no hash key: give it 32 hexadecimal digits, such as `openssl rand -hex 16`"
        " prints"
    )


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing can't be read: No such file or directory; "):
        key_from_file(tmp_path / "missing")
    with pytest.raises(ConfigError, match="can't be read: Is a directory; check the path"):
        key_from_file(tmp_path)


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match="/dev/zero holds no hash key"):
        key_from_file(Path("/dev/zero"))


def test_a_pipe_will_do(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=pipe.write_text, args=(DIGITS,))
    writer.start()
    assert key_from_file(pipe) == FoundKey(SECRET)
    writer.join()


@pytest.mark.parametrize(
    ("mode", "is_open"),
    [(0o400, False), (0o640, False), (0o440, False), (0o444, True), (0o644, True), (0o602, True)],
)
def test_a_key_that_everyone_may_read_is_used_and_warned_of(
    path: Path, mode: int, is_open: bool
) -> None:
    path.chmod(mode)
    found = key_from_file(path)
    assert found.secret == SECRET
    assert (found.warning is not None) == is_open
    if found.warning is not None:
        assert f"(mode {mode:04o})" in found.warning
        assert DIGITS not in found.warning


def test_a_mounted_secret_is_a_link(path: Path, tmp_path: Path) -> None:
    """As Kubernetes mounts it: a link to a file that the group of the container may read."""
    path.chmod(0o440)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert key_from_file(link) == FoundKey(SECRET)


def test_nothing_is_set() -> None:
    assert configured_key(None, {"PATH": "/bin"}) is None


def test_the_option_comes_before_the_environment(path: Path, tmp_path: Path) -> None:
    environment = {HASH_KEY: "ab" * 16, HASH_KEY_FILE: str(tmp_path / "missing")}
    assert configured_key(str(path), environment) == FoundKey(SECRET)


def test_the_environment_has_the_digits_or_names_the_file(path: Path) -> None:
    assert configured_key(None, {HASH_KEY: f"{DIGITS}\n"}) == FoundKey(SECRET)
    assert configured_key(None, {HASH_KEY_FILE: str(path)}) == FoundKey(SECRET)
    with pytest.raises(ConfigError, match="are both set; unset one of them"):
        configured_key(None, {HASH_KEY: DIGITS, HASH_KEY_FILE: str(path)})


@pytest.mark.parametrize("text", ["", "secret", DIGITS + "00", RAW.decode()])
def test_a_wrong_key_in_the_environment_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        configured_key(None, {HASH_KEY: text})
    assert str(raised.value).startswith(f"{HASH_KEY} holds no hash key: give it 32 ")
    assert not text or text not in str(raised.value)


def test_a_key_does_not_print_itself(path: Path) -> None:
    found = key_from_file(path)
    shown = repr(found) + str(found)
    for half in (found.secret.key0, found.secret.key1):
        assert str(int(half)) not in shown
        assert f"{int(half):x}" not in shown
    assert found.secret.key_id not in DIGITS


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        found = key_in_folder(tmp_path)
    finally:
        os.umask(before)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert found == key_in_folder(tmp_path)
    assert found.warning is None
    assert found.secret == key_from_hex(file.read_text(), "it")
    (tmp_path / "other").mkdir()
    assert key_in_folder(tmp_path / "other").secret != found.secret


def test_a_key_that_was_put_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "hash-key").write_bytes(RAW)
    found = key_in_folder(tmp_path)
    assert found.secret == SECRET
    assert found.warning is not None, "others may read it"


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "hash-key").touch()
    with pytest.raises(ConfigError, match="hash-key holds no hash key"):
        key_in_folder(tmp_path)
    assert (tmp_path / "hash-key").read_bytes() == b""


def test_a_key_of_another_process_wins_if_it_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_digits(_: int) -> str:
        (tmp_path / "hash-key").write_text(DIGITS)  # between the look and the link
        return "ab" * 16

    monkeypatch.setattr("secrets.token_hex", create_digits)
    assert key_in_folder(tmp_path).secret == SECRET
    assert [file.name for file in tmp_path.iterdir()] == ["hash-key"]


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    folders = []
    for number in range(20):
        folders.append(tmp_path / str(number))
        folders[-1].mkdir()
    code = (
        "import sys; from pathlib import Path; from geophone_shared.key_files import key_in_folder;"
        "sys.stdin.readline();"
        "print(*(key_in_folder(Path(folder)).secret.key_id for folder in sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *map(str, folders)]
    with ExitStack() as running:
        processes = [
            running.enter_context(Popen(command, stdin=PIPE, stdout=PIPE, text=True))
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        runs = [process.communicate()[0].split() for process in processes]
    assert runs[0] == runs[1] == runs[2] == runs[3]
    assert len(set(runs[0])) == 20


def test_folders_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        key_in_folder(tmp_path / "missing")
    assert str(raised.value) == (
        f"no hash key can be put into {tmp_path}/missing: No such file or directory; make the"
        " folder writable, or set GEOPHONE_DETECTOR_HASH_KEY_FILE"
    )
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Not a directory"):
        key_in_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match="no hash key can be put into /proc: "):
        key_in_folder(Path("/proc"))
