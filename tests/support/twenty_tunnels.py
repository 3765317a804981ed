"""A stream with twenty tunnels in ordinary traffic, and what people are told of it."""

import email.parser
import email.policy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.tunnels import iodine
from tests.support.mail_server import ReceivedMail

TUNNELS = 20
SECONDS = 62
"""How long the stream lasts as it was recorded."""

EVERY_MAIL_AT_ONCE = {"GEOPHONE_ALERTER_THROTTLE__BURST": "1000"}


FED = ("-", "--speed", "max", "--exit-at-end")
"""The source of a pipeline that is fed, so that a test decides when records flow."""
SMALL_BATCHES = {"GEOPHONE_CAPTURE_BATCH_ROWS": "50"}


def write_stream(path: Path, seconds: float = SECONDS) -> None:
    """Writes the capture; in its first minute each tunnel opens its alerts."""
    mixture = Mixture(
        seed=7,
        seconds=seconds,
        ordinary_per_second=100,
        tunnels=tuple(iodine(f"tunnel-{number}.net") for number in range(TUNNELS)),
        shapes=ordinary_shapes(200),
        clients=50,
    )
    with path.open("wb") as file:
        for chunk in pcap_chunks(mixture):
            file.write(chunk)


def fifths(stream: Path) -> list[bytes]:
    """The capture in five pieces."""
    data = stream.read_bytes()
    size = len(data) // 5 + 1
    return [data[at : at + size] for at in range(0, len(data), size)]


def message_ids(mails: Sequence[ReceivedMail]) -> Counter[str]:
    """How often each mail came."""
    return Counter(_header(mail, "Message-ID") for mail in mails)


def incidents(mails: Sequence[ReceivedMail]) -> set[str]:
    """The incidents that mails are about."""
    return {_header(mail, "References") for mail in mails}


def _header(mail: ReceivedMail, name: str) -> str:
    parser = email.parser.BytesParser(policy=email.policy.default)
    return str(parser.parsebytes(mail.content, headersonly=True)[name]).strip()
