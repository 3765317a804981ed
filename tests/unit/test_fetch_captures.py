"""`make captures` against a web server on the loopback interface."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support import fetch_captures
from tests.support.fetch_captures import FetchError, fetch

CONTENT = b"the right bytes"
BODIES = {"/right": CONTENT, "/other": b"the WRONG bytes", "/cut": CONTENT[:-1]}
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(BODIES[self.path])

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "made" / "x.pcap"


def test_a_fetched_file_is_whole_and_alone(server: str, target: Path) -> None:
    assert fetch(f"{server}/right", target, SHA256)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_a_right_file_is_left_alone(target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    assert not fetch("http://127.0.0.1:1/never-asked", target, SHA256)


def test_a_wrong_file_is_replaced(server: str, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"cut")
    assert fetch(f"{server}/right", target, SHA256)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/other", "not the expected file"),
        ("/absent", "answered 404"),
        ("/cut", "not the expected file"),
    ],
)
def test_what_is_not_the_file_is_refused(server: str, target: Path, path: str, reason: str) -> None:
    with pytest.raises(FetchError, match=reason):
        fetch(server + path, target, SHA256)
    assert not target.exists()


def test_no_connection_is_one_sentence_that_says_what_to_do(target: Path) -> None:
    with pytest.raises(FetchError, match=r"Connection refused.*put the file at .*x\.pcap"):
        fetch("http://127.0.0.1:1/", target, SHA256)


def test_other_schemes_are_refused(target: Path) -> None:
    with pytest.raises(FetchError, match="https://"):
        fetch("file:///etc/hostname", target, SHA256)


def test_a_folder_that_cannot_be_made_is_named(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match="GEOPHONE_CAPTURES"):
        fetch(f"{server}/right", tmp_path / "file" / "x.pcap", SHA256)


def test_the_script_runs_alone_and_exits_1_without_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOPHONE_CAPTURES", str(tmp_path))
    finished = subprocess.run(
        [sys.executable, "-I", fetch_captures.__file__, "--url", "http://127.0.0.1:1/"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "Connection refused" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_published_digest_is_that_of_the_capture_in_use(
    captures: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = captures(fetch_captures.NAME)
    monkeypatch.setenv("GEOPHONE_CAPTURES", str(path.parent))
    assert fetch_captures.main(["--url", "http://127.0.0.1:1/never-asked"]) == 0
