"""The captures that everything is measured on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from geophone_capture.sources import CaptureStream
from tests.support.capture_writer import pcap_header, pcap_record
from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.tunnels import Tunnel, every_tool, iodine
from tests.support.packets import ETHERNET

_ORDINARY_PER_SECOND = 2_000
_NAMES_PER_SECOND = 20
_SECOND_US = 1_000_000


def generated(target: Path, packets: int) -> Path:
    """Write a capture of about so many packets: ordinary traffic, and a tunnel of each tool."""
    return _written(target, packets / 2 / _ORDINARY_PER_SECOND, _ORDINARY_PER_SECOND, every_tool())


def benign(target: Path, packets: int) -> Path:
    """Write a capture of about so many packets without a tunnel."""
    return _written(target, packets / 2 / _ORDINARY_PER_SECOND, _ORDINARY_PER_SECOND, ())


def with_many_tunnels(target: Path, per_second: int, seconds: float, tunnels: int) -> Path:
    """Write a capture in which one tunnel after the other begins, in the first two thirds of it.

    Each sends so fast that it is found within seconds, by three rules.
    """
    hidden = tuple(
        replace(
            iodine(f"tunnel-{number}.net", _NAMES_PER_SECOND),
            first_second=seconds * 2 / 3 * number / tunnels,
        )
        for number in range(tunnels)
    )
    ordinary = per_second - round(tunnels * _NAMES_PER_SECOND)
    return _written(target, seconds, ordinary, hidden)


def _written(target: Path, seconds: float, ordinary: int, tunnels: tuple[Tunnel, ...]) -> Path:
    mixture = Mixture(
        seed=1,
        seconds=seconds,
        ordinary_per_second=ordinary,
        tunnels=tunnels,
    )
    with target.open("wb") as file:
        for chunk in pcap_chunks(mixture):
            file.write(chunk)
    return target


def recorded(target: Path, captures: Sequence[Path], packets: int) -> Path:
    """Write the captures one after the other, again and again, until there are so many packets.

    Each is shifted in time, so that it begins a second after the one before it has ended.
    """
    records, times_us = _one_after_the_other(captures)
    data = np.frombuffer(b"".join(records), np.uint8).copy()
    starts = np.cumsum([0, *(len(record) for record in records[:-1])])
    seconds_at = starts[:, None] + np.arange(4)
    seconds = np.array(times_us, np.int64) // _SECOND_US
    turn_seconds = int(seconds.max() - seconds.min()) + 2
    with target.open("wb") as file:
        file.write(pcap_header())
        for turn in range(-(-packets // len(records))):
            shifted = (seconds + turn * turn_seconds).astype("<u4")
            data[seconds_at] = shifted.view(np.uint8).reshape(-1, 4)
            file.write(data.data)
    return target


def _one_after_the_other(captures: Sequence[Path]) -> tuple[list[bytes], list[int]]:
    records: list[bytes] = []
    times_us: list[int] = []
    for capture in captures:
        shift_us = None
        latest_us = max(times_us, default=_SECOND_US)
        with CaptureStream([str(capture)]) as stream:
            for block in stream:
                for packet in block.packets:
                    if packet["link"] != ETHERNET:
                        message = f"{capture} isn't a capture of Ethernet"
                        raise ValueError(message)
                    if shift_us is None:
                        shift_us = latest_us + _SECOND_US - int(packet["time_us"])
                    times_us.append(int(packet["time_us"]) + shift_us)
                    start, captured = int(packet["offset"]), int(packet["captured"])
                    frame = block.buffer[start : start + captured].tobytes()
                    original = int(packet["original"])
                    records.append(pcap_record(times_us[-1], frame, original=original))
    return records, times_us
