"""`geophone replay --transactions`: what is written, where, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from geophone.cli import app
from geophone.replay import ReplayOptions, replay
from geophone_shared.errors import ConfigError
from tests.support.capture_writer import pcap
from tests.support.dns_messages import RESPONSE, TO_QUESTION, message, name, question, record
from tests.support.outside import PROJECT
from tests.support.scenes import START_US, query, response


def run(*arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["replay", *arguments], prog_name="geophone", catch_exceptions=False
    )


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_transaction_of_a_capture(demo_capture: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.ndjson"
    options = ReplayOptions((str(demo_capture),), transactions=str(file), keep_responses=True)
    report: Any = replay(options, None)
    found = documents(file.read_text(encoding="ascii"))
    assert len(found) == report["transactions"]["total"] == 340
    answered = [each for each in found if each["dns"]["type"] == "answer"]
    assert len(answered) == report["transactions"]["answered"]
    (domain,) = report["top_domains"]
    assert sum(each["source"]["bytes"] for each in found) == domain["bytes_in"]
    assert sum(each["destination"]["bytes"] for each in answered) == domain["bytes_out"]
    questions = {each["dns"]["question"]["name"].lower() for each in found}
    assert len(questions) == domain["unique_hostnames"]
    for each in answered:
        (answer,) = each["dns"]["answers"]
        assert answer["type"] == "NULL"
        assert answer["name"] == each["resource"]
        data_bytes = int(answer["data"].split()[1])
        assert data_bytes < each["destination"]["bytes"]


def test_on_standard_output_they_stand_in_place_of_the_report(demo_capture: Path) -> None:
    result = run("--transactions", "-", "--answered-only", "--fail-on-alert", str(demo_capture))
    found = documents(result.stdout)
    assert {each["dns"]["type"] for each in found} == {"answer"}
    assert not any("answers" in each["dns"] for each in found), "responses weren't kept"
    assert result.exit_code == 3
    assert result.stderr == ""


def test_names_and_records_are_printable_whatever_was_sent(tmp_path: Path) -> None:
    owner = name(b"\x1b[2J\xe2\x80\xae", b"<b>\n.", b"example")
    answers = [record(TO_QUESTION, 5, owner), record(TO_QUESTION, 16, b"\4\x1b]0\x07")]
    asked, answered = (
        message([question(owner)], sent, flags=flags)
        for sent, flags in (([], 0x0100), (answers, RESPONSE))
    )
    packets = [query(0, payload=asked), response(0.5, payload=answered)]
    capture = tmp_path / "hostile.pcap"
    capture.write_bytes(pcap([(each.time_us, each.frame) for each in packets]))
    result = run("--transactions", "-", "--keep-responses", str(capture))
    assert result.stdout.count("\n") == 1
    line = result.stdout.removesuffix("\n")
    assert line.isascii()
    assert line.isprintable()
    (found,) = documents(line)
    text = r"\027[2J\226\128\174.<b>\010\046.example"
    assert found["dns"]["question"]["name"] == text
    assert [each["data"] for each in found["dns"]["answers"]] == [text, r"\027]0\007"]
    assert found["@timestamp"].startswith("2010-08-21T02:11:04")
    assert START_US // 1_000_000 == 1_282_356_664


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--keep-responses",), "--keep-responses is for --transactions; give both"),
        (("--transactions", "-", "--json"), "--transactions - prints transactions in place"),
        (("--transactions", "-", "--csv"), "--transactions - prints transactions in place"),
        (("--transactions", "missing/file"), "--transactions missing/file can't be written: No "),
    ],
)
def test_what_can_not_be_meant(demo_capture: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments, str(demo_capture))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"geophone: {told}")
    assert result.stdout == ""


def test_a_capture_is_not_overwritten(demo_capture: Path, tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(demo_capture.read_bytes())
    (tmp_path / "link").symlink_to(capture)
    with pytest.raises(ConfigError, match="is a capture; name another file"):
        replay(ReplayOptions((str(capture),), transactions=str(tmp_path / "link")), None)
    assert capture.read_bytes() == demo_capture.read_bytes()


def test_a_full_disk_is_said(demo_capture: Path) -> None:
    result = run("--transactions", "/dev/full", str(demo_capture))
    assert result.exit_code == 1
    assert result.stderr == "geophone: /dev/full could not be written: No space left on device\n"


def test_a_reader_that_has_seen_enough_is_no_error(demo_capture: Path) -> None:
    many = ["--transactions", "-", str(demo_capture), str(demo_capture)]  # more than a portion
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "geophone", "replay", *many],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        cwd=PROJECT,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_without_it_dnspython_stays_out(demo_capture: Path) -> None:
    program = (
        "import sys; from geophone.replay import ReplayOptions, replay\n"
        f"replay(ReplayOptions(({str(demo_capture)!r},)), None)\n"
        "print(sorted(sys.modules.keys() & {'dns.rdata', 'dns.message', 'dns.name'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout == "[]\n"
