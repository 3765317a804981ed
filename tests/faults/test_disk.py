"""The disk of the embedded log: full in the middle of a stream, and damaged."""

import asyncio
from pathlib import Path

import pytest

from tests.support.pipeline import embedded_pipeline
from tests.support.service_processes import (
    ANY_PORT,
    alert_ids,
    geophone,
    opened_ids,
    replayed,
    started,
)
from tests.support.small_disk import mounted_disk
from tests.support.twenty_tunnels import SMALL_BATCHES, fifths


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


@pytest.mark.parametrize("fault", ["torn", "overwritten"])
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
