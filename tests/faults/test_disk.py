"""The disk of the embedded log: full in the middle of a stream, and damaged."""

import asyncio
from pathlib import Path

from tests.support.pipeline import embedded_pipeline
from tests.support.service_processes import replayed
from tests.support.small_disk import mounted_disk


async def test_full_in_mid_stream(stream: Path, tmp_path: Path) -> None:
    """Everything goes on by itself once there is room, and nothing of a file is lost."""
    source = ("--file", str(stream), "--speed", "10")
    with mounted_disk(tmp_path / "disk", 64) as disk:
        async with embedded_pipeline(disk.folder, *source) as pipeline:
            await pipeline.start()
            await pipeline.counts(3_000, "run")
            disk.fill()
            refused = await pipeline["run"].until_said("the log takes no batch")
            assert "is full: make room on it" in refused["geophone.reason"]
            await asyncio.sleep(2)
            client = await pipeline["run"].client()
            assert (await client.get("/livez")).is_success
            answer = await client.get("/readyz")
            details = [each["detail"] for each in answer.json() if not each["ok"]]
            assert any("is full: make room on it" in each for each in details)
            disk.make_room()
            await pipeline.same_answer(replayed(stream))
            await pipeline["run"].until_ready()
            assert await pipeline["run"].stop() == 0
