"""The records of kept responses, compared with what tshark finds in recorded captures."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geophone.replay import ReplayOptions, replay
from tests.support.tshark import Answers, answers

SECTIONS = ("answers", "authorities", "additionals")


@pytest.mark.parametrize(
    "name", ["normal_00007_20230805194417.pcap", "dnscat2-txt_00001_20230903183304.pcap"]
)
def test_answers_are_those_of_tshark(
    name: str, captures: Callable[[str], Path], tshark: Path, tmp_path: Path
) -> None:
    capture, file = captures(name), tmp_path / "out.ndjson"
    replay(
        ReplayOptions((str(capture),), transactions=str(file), keep_responses=True),
        None,
    )
    documents = map(json.loads, file.read_text(encoding="ascii").splitlines())
    found = Counter(
        answers_in(each["dns"])
        for each in documents
        if each["dns"]["type"] == "answer" and each["network"]["transport"] == "udp"
    )
    assert found == Counter(answers(tshark, capture))
    assert found.total() > 100


def answers_in(dns: dict[str, Any]) -> Answers:
    """A document's answers as tshark tells them: IPv4 addresses first."""
    records = [record for section in SECTIONS for record in dns.get(section, ())]
    data = {
        kind: tuple(record["data"] for record in records if record["type"] == kind)
        for kind in ("A", "AAAA", "CNAME")
    }
    additionals = dns["additionals_count"] + ("opt" in dns)
    counts = (dns["answers_count"], dns["authorities_count"], additionals)
    return Answers(dns["id"], data["A"] + data["AAAA"], data["CNAME"], counts)
