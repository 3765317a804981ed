"""The disk of the embedded log: full in the middle of a stream, and damaged."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.faults.conftest import ROUNDS
from tests.support.dns_messages import RESPONSE, message, name, question
from tests.support.namespaces import frame_sender, veth_pair
from tests.support.packets import CLIENT, SERVER, ethernet, ipv4, udp
from tests.support.pipeline import COUNTED, embedded_pipeline, until
from tests.support.service_processes import (
    ANY_PORT,
    COMMAND,
    alert_ids,
    geophone,
    opened_ids,
    replayed,
    started,
)
from tests.support.small_disk import mounted_disk
from tests.support.twenty_tunnels import SMALL_BATCHES, fifths
from tests.support.watching import watch

DROPPED = "geophone_producer_dropped_transactions_total"


async def test_full_in_mid_stream(stream: Path, tmp_path: Path) -> None:
    """Everything goes on by itself once there is room, and nothing of a file is lost."""
    pieces = iter(fifths(stream))
    source = ("-", "--speed", "max")
    with mounted_disk(tmp_path / "disk", 64) as disk:
        async with embedded_pipeline(disk.folder, *source, **SMALL_BATCHES) as pipeline:
            await pipeline.start()
            await pipeline["run"].feed(next(pieces))
            await pipeline.counts(3_000, "run")
            disk.fill()
            await pipeline["run"].feed(next(pieces))
            refused = await pipeline["run"].until_said("the log takes no batch")
            assert "is full: make room on it" in refused["geophone.reason"]
            await asyncio.sleep(2)
            client = await pipeline["run"].client()
            assert (await client.get("/livez")).is_success
            answer = await client.get("/readyz")
            details = [each["detail"] for each in answer.json() if not each["ok"]]
            assert any("is full: make room on it" in each for each in details)
            disk.make_room()
            for piece in pieces:
                await pipeline["run"].feed(piece)
            await pipeline["run"].end_input()
            await pipeline.same_answer(replayed(stream))
            await pipeline["run"].until_ready()
            assert await pipeline["run"].stop() == 0


async def test_full_while_an_interface_is_read(tmp_path: Path) -> None:
    """Capture goes on, what there is no place for is counted, and nothing else is lost."""
    small = {"GEOPHONE_CAPTURE_QUEUE_BATCHES": "4", **SMALL_BATCHES}
    with mounted_disk(tmp_path / "disk", 64) as disk, veth_pair(has_ipv6=False) as pair:
        run = ("run", "--interface", pair.interface, "--http", ANY_PORT)
        folder = ("--data-dir", str(disk.folder))
        command = pair.far.command(*COMMAND)
        async with started(*run, *folder, command=command, environment=small) as service:
            await service.until_said("capturing")
            watching = await watch(service, pair.far)
            packets = f'geophone_capture_packets_total{{interface="{pair.interface}"}}'
            with frame_sender(pair.near) as raw:

                async def send(count: int) -> None:
                    for number in range(count):
                        raw.send(response(number))
                        if number % 20 == 0:
                            await asyncio.sleep(0.01)

                await send(500)
                await until(lambda: watching.metric(COUNTED) >= 100, "some are counted")
                disk.fill()
                await send(500)
                await service.until_said("the log takes no batch")
                await until(lambda: watching.metric(DROPPED) > 0, "there is no place left")
                seen = watching.metric(packets)
                await send(500)
                await until(lambda: watching.metric(packets) >= seen + 500, "capture goes on")
                counted = watching.metric(COUNTED)
                disk.make_room()
                await until(lambda: watching.metric(COUNTED) > counted, "counting goes on")
                await send(500)

            def all_are_known_of() -> bool:
                return watching.metric(COUNTED) + watching.metric(DROPPED) == 2_000

            await until(all_are_known_of, "every transaction is counted or counted as dropped")
            dropped = int(watching.metric(DROPPED))
            assert 0 < dropped < 1_500

            def shows_drops() -> bool:
                stages = json.loads(watching.answer("/api/v1/status"))["stages"]
                return dropped in (stages["capture"]["drops"] or {}).values()

            await until(shows_drops, "the status says what was dropped")
            assert await service.stop() == 0


def response(number: int) -> bytes:
    """A frame with a response that nobody asked for: a transaction at once."""
    asked = question(name(b"%d" % number, b"example", b"com"))
    told = message((asked,), dns_id=number, flags=RESPONSE)
    datagram = udp(told, source_port=53, destination_port=40_000 + number)
    return ethernet(ipv4(datagram, source=SERVER, destination=CLIENT))


@pytest.mark.parametrize("fault", ["torn"] if ROUNDS == 1 else ["torn", "overwritten"])
async def test_damaged(demo_capture: Path, tmp_path: Path, fault: str) -> None:
    """It is said in a sentence what to do, and that helps."""
    source = ("--file", str(demo_capture), "--exit-at-end")
    command = ("run", *source, "--data-dir", str(tmp_path), "--http", ANY_PORT)
    assert geophone(*command).returncode == 0
    log = tmp_path / "log.sqlite"
    content = log.read_bytes()
    half = len(content) // 2
    log.write_bytes(content[:half] if fault == "torn" else content[:half] + b"\xff" * half)
    refused = geophone(*command)
    assert refused.returncode == 2
    [sentence] = [line for line in refused.stderr.splitlines() if not line.startswith("{")]
    assert sentence == (
        f"geophone: {log} is damaged: move it away to start anew, or bring back a copy of it"
    )
    log.rename(tmp_path / "damaged.sqlite")
    report = replayed(demo_capture)
    async with started(*command) as again:
        assert await again.ended() == 0
    assert opened_ids(again) == alert_ids(report)
