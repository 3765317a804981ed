"""`make captures`: fetch the public capture that the parity tests want.

It is the one behind Elastic's published DNS tunnel alert (elastic/examples, Apache-2.0). It isn't
shipped with Geophone; tests that want it are skipped where it is missing. Needs nothing but Python.
"""

import argparse
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
NAME = "dns-tunnel-iodine.pcap"
URL = (
    "https://raw.githubusercontent.com/elastic/examples/master/"
    f"Security%20Analytics/dns_tunnel_detection/{NAME}"
)
SHA256 = "91fd221e07107507c8327a9d9487cd7f7531a1fd87cf543b1a76160ff0609b7b"
_LARGEST_BYTES = 1_000_000
_TIMEOUT_SECONDS = 30


class FetchError(Exception):
    """The capture could not be had; the message is one sentence that says what to do."""


def fetch(url: str, path: Path, sha256: str) -> bool:
    """Bring `path` to hold the bytes whose digest is `sha256`; False if it already did.

    Raises:
        FetchError: no connection, not the expected file, or nowhere to write it.
    """
    try:
        if path.is_file() and _digest(path.read_bytes()) == sha256:
            return False
        content = _download(url)
        if _digest(content) != sha256:
            raise FetchError(
                f"what {url} sent is not the expected file (its SHA-256 is {_digest(content)}, "
                f"not {sha256}): look at it in a browser and put the right file at {path}"
            )
        _write_whole(path, content)
    except urllib.error.HTTPError as error:
        raise FetchError(
            f"{url} answered {error.code} {error.reason}: find the file elsewhere and put it at "
            f"{path}"
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        raise FetchError(
            f"{url} can't be fetched ({getattr(error, 'reason', error)}): check the connection, "
            f"or put the file at {path} yourself"
        ) from error
    except OSError as error:
        raise FetchError(
            f"{path} can't be written ({error.strerror}): set GEOPHONE_CAPTURES to a folder of "
            "yours"
        ) from error
    return True


def main(arguments: list[str] | None = None) -> int:
    """Fetch the capture into `GEOPHONE_CAPTURES`; the exit code."""
    parser = argparse.ArgumentParser(description="Fetch the public capture for the parity tests.")
    parser.add_argument("--url", default=URL, help="where from (default: %(default)s)")
    url = parser.parse_args(arguments).url
    # As in tests/support/outside.py, which this can't import: pytest may not be installed yet.
    folder = PROJECT / (os.environ.get("GEOPHONE_CAPTURES") or "../shared/captures")
    path = folder.resolve() / NAME
    try:
        is_new = fetch(url, path, SHA256)
    except FetchError as error:
        sys.stderr.write(f"make captures: {error}\n")
        return 1
    sys.stderr.write(f"{path}: {'fetched' if is_new else 'already there'}, SHA-256 is right\n")
    return 0


def _download(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise FetchError(f"{url} is not an address on the web: give one that starts with https://")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310, checked above
        content: bytes = response.read(_LARGEST_BYTES)
        return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside `path` and rename, so that nobody ever sees a part of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
