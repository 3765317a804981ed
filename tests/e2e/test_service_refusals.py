"""What the services say when they can't do what was asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.kafka.broker import USERNAME, KafkaBroker
from tests.support.service_processes import ANY_PORT, geophone, on, started

if TYPE_CHECKING:
    from subprocess import CompletedProcess

WRONG_PASSWORD = "over-ground"  # noqa: S105 - it is none


class TestRefusals:
    """One sentence and the exit code: no traceback, and no secret."""

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (("--speed", "fast"), "capture.speed = 'fast' (from --speed): write max, or"),
            (("--data-dir", "README.md/data"), "can't be written (Not a directory): make it"),
            (("--http", "0.0.0.0:0"), "there is no token: set GEOPHONE_ALERTER_API_TOKEN_FILE"),
            (("--bootstrap-servers", "here"), "bootstrap_servers has 'here': write HOST:PORT"),
        ],
    )
    def test_settings(
        self, demo_capture: Path, tmp_path: Path, options: tuple[str, ...], told: str
    ) -> None:
        usual = ("--file", str(demo_capture), "--data-dir", str(tmp_path), "--http", ANY_PORT)
        check_refusal(geophone("run", *usual, *options), 2, told)

    def test_a_log_that_is_none(self, demo_capture: Path, tmp_path: Path) -> None:
        (tmp_path / "log.sqlite").write_bytes(b"\x00no log" * 1_000)
        done = geophone("run", "--file", str(demo_capture), "--data-dir", str(tmp_path))
        check_refusal(done, 2, "is damaged or not a log of Geophone: move it away")

    async def test_a_second_process(self, demo_capture: Path, tmp_path: Path) -> None:
        usual = ("run", "--file", str(demo_capture), "--data-dir")
        async with started(*usual, str(tmp_path), "--http", ANY_PORT) as first:
            address = (await first.until_said("serving"))["geophone.address"]
            same_folder = geophone(*usual, str(tmp_path), "--http", ANY_PORT)
            check_refusal(same_folder, 2, "is in use by another Geophone: stop that one")
            same_port = geophone(*usual, str(tmp_path / "own"), "--http", address)
            check_refusal(same_port, 2, "(Address already in use): free it, or choose another")

    def test_kafka(self, fresh_kafka_broker: KafkaBroker, demo_capture: Path) -> None:
        broker = fresh_kafka_broker
        ops = ("--ops", ANY_PORT)
        missing = geophone("capture", *on(broker), *ops, "--file", str(demo_capture))
        check_refusal(missing, 2, "dns.transactions does not exist: run `geophone topics create`")
        wrong = geophone(
            *("detector", "--bootstrap-servers", f"127.0.0.1:{broker.ports.scram}", *ops),
            GEOPHONE_KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
            GEOPHONE_KAFKA_SASL_PLAIN_USERNAME=USERNAME,
            GEOPHONE_KAFKA_SASL_PLAIN_PASSWORD=WRONG_PASSWORD,
        )
        check_refusal(wrong, 77, "password")
        assert WRONG_PASSWORD not in wrong.stderr
        broker.stop()
        away = geophone("alerter", *on(broker), "--http", ANY_PORT)
        check_refusal(away, 75, f"no Kafka broker answers at {broker.bootstrap_servers}")


def check_refusal(done: "CompletedProcess[str]", code: int, told: str) -> None:
    assert done.returncode == code
    [sentence] = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert sentence.startswith("geophone: ")
    assert told in sentence
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
