"""A mail server that greylists, drops and stalls, and a clock that jumps, in mid-stream."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.support import outside
from tests.support.mail_server import DROP, STALL
from tests.support.pipeline import Pipeline, embedded_pipeline, until
from tests.support.service_processes import replayed

HEARTBEAT = 'geophone_pipeline_heartbeat_timestamp_seconds{stage="detector"}'
HOUR_SECONDS = 3_600
_LIBRARIES = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")


async def test_the_mail_server_fails_now_and_then(stream: Path, tmp_path: Path) -> None:
    """Everybody is told all the same: what was put off comes ten seconds later."""
    settings = {"GEOPHONE_ALERTER_EMAIL__TIMEOUT_SECONDS": "3"}
    source = ("--file", str(stream), "--speed", "15")
    async with embedded_pipeline(tmp_path, *source, **settings) as pipeline:
        script = pipeline.mail.script
        script["MAIL"].extend(["451 greylisted", STALL])
        script["DATA"].extend(["452 no room", DROP])
        await pipeline.start()
        repeats = await pipeline.same_answer(replayed(stream))
        assert not any(script.values())
        failed = 'geophone_alerter_notifications_total{channel="email",result="temporary"}'
        assert await pipeline["run"].metric(failed) >= 4
    # A server that accepts a mail and breaks off before it says so would have it twice; this one
    # breaks off before it accepts.
    assert (repeats.events, repeats.mails) == (0, 0)


async def test_the_clock_jumps(
    stream: Path, tmp_path: Path, require_tool: Callable[[str], Path]
) -> None:
    """An hour forth, then two back: the answer follows the packets' clock."""
    require_tool("faketime")
    library = next(_LIBRARIES, None)
    if library is None:
        outside.report_missing("there is no libfaketime; on Debian: apt-get install faketime")
    offset = tmp_path / "offset"
    set_offset(offset, 0)
    settings = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    source = ("--file", str(stream), "--speed", "15")
    async with embedded_pipeline(tmp_path / "data", *source, **settings) as pipeline:
        await pipeline.start()
        for begin, jump_seconds in ((2_000, HOUR_SECONDS), (9_000, -HOUR_SECONDS)):
            await pipeline.counts(begin, "run")
            set_offset(offset, jump_seconds)
            await until(partial(shows_clock, pipeline, jump_seconds), "the clock has jumped")
        repeats = await pipeline.same_answer(replayed(stream))
        assert (await (await pipeline["run"].client()).get("/livez")).is_success
    assert (repeats.events, repeats.mails) == (0, 0)


async def shows_clock(pipeline: Pipeline, jump_seconds: int) -> bool:
    """Whether the detector's clock is about so much before the real one."""
    said_seconds = await pipeline["run"].metric(HEARTBEAT)
    return abs(said_seconds - datetime.now(UTC).timestamp() - jump_seconds) < HOUR_SECONDS / 2


def set_offset(file: Path, seconds: int) -> None:
    partial = file.with_suffix(".new")
    partial.write_text(f"{seconds:+d}\n")
    partial.replace(file)
