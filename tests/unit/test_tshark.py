"""The oracle itself: what tshark says of the shipped capture, and how it is read."""

import subprocess
from pathlib import Path

import pytest

from tests.support.tshark import DnsMessage, Endpoint, count_dns, dns_messages

HEADER = bytes.fromhex("267e01000001000000000000")
CLIENT, SERVER = Endpoint("10.0.2.17", 41217), Endpoint("10.0.2.53", 53)


def query(payload: bytes) -> DnsMessage:
    return DnsMessage(0, CLIENT, SERVER, is_response=False, payload=payload)


def test_the_shipped_capture_is_what_its_readme_says(tshark: Path, demo_capture: Path) -> None:
    count = count_dns(tshark, demo_capture)
    assert (count.queries, count.responses, len(count.names)) == (340, 330, 340)
    assert all(name.endswith(b"\x01t\x06tunnel\x07example") for name in count.names)


def test_messages_are_in_the_order_of_the_file_with_their_ends(
    tshark: Path, demo_capture: Path
) -> None:
    messages = list(dns_messages(tshark, demo_capture))
    times = [message.time_us for message in messages]
    assert times == sorted(times)
    assert times[-1] - times[0] == 23_171_025
    assert {message.source for message in messages if message.is_response} == {SERVER}
    assert {message.source for message in messages if not message.is_response} == {CLIENT}


def test_bytes_outside_of_ascii_are_kept(tshark: Path, demo_capture: Path) -> None:
    assert any(max(name) > 0x7F for name in count_dns(tshark, demo_capture).names)


def test_a_file_that_is_no_capture_is_an_error(tshark: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(b"no capture")
    with pytest.raises(subprocess.CalledProcessError):
        count_dns(tshark, tmp_path / "x.pcap")


def test_a_name_is_the_first_question_without_the_root_label() -> None:
    message = query(HEADER + b"\x01A\x07example\x00\x00\x01\x00\x01")
    assert message.name == b"\x01A\x07example"
    assert message.dns_id == 0x267E


@pytest.mark.parametrize("question", [b"\xc0\x0c\x00\x01", b"\x05exam", b"\x04exam", b""])
def test_a_name_that_cannot_be_read_is_refused(question: bytes) -> None:
    with pytest.raises(ValueError, match=r"byte 12|cut"):
        _ = query(HEADER + question).name
