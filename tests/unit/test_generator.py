"""The generator keeps its word: the same traffic every time, and the truth about it."""

import dataclasses
import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import dns.message
import numpy as np
import pytest

from geophone.replay import ReplayOptions, replay
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.sources import CaptureStream
from geophone_shared.hashing import SecretKey
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.names import labels, presentation
from geophone_shared.suffixes import load_suffixes
from geophone_shared.transactions import ROW, Note, Outcome, Transactions
from tests.support.generator import tunnels
from tests.support.generator.arrivals import Mixture
from tests.support.generator.names import BASE128
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.rows import row_stream
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.truth import DomainTruth, truth_of

pytestmark = pytest.mark.kernels

MIXTURE = Mixture(
    seed=7,
    seconds=20,
    ordinary_per_second=40,
    tunnels=tunnels.every_tool(),
    shapes=ordinary_shapes(300),
    clients=100,
)


@pytest.fixture(scope="module")
def rows() -> Transactions:
    return _together(MIXTURE)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generator") / "mixture.pcap"
    path.write_bytes(b"".join(pcap_chunks(MIXTURE)))
    return path


def test_the_same_seed_makes_the_same_bytes() -> None:
    short = dataclasses.replace(MIXTURE, seconds=5)
    again = dataclasses.replace(MIXTURE, seconds=5)
    assert _digest(short) == _digest(again)
    assert _digest(short) != _digest(dataclasses.replace(short, seed=8))


def test_slices_change_where_they_end_but_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.generator.arrivals._PER_SLICE", 50)
    truth = truth_of(MIXTURE)
    sliced = _together(MIXTURE)
    assert truth == _brute_force(sliced)
    completed_us = sliced.rows["completed_us"]
    assert np.all(np.diff(completed_us) >= 0)
    packets = b"".join(pcap_chunks(MIXTURE))
    times_us = [time_us for time_us, _ in _packets(packets)]
    assert times_us == sorted(times_us)
    answered = np.count_nonzero(sliced.rows["outcome"] == Outcome.ANSWERED)
    assert len(times_us) == len(sliced.rows) + answered


def test_the_truth_is_what_a_count_of_the_rows_gives(rows: Transactions) -> None:
    assert truth_of(MIXTURE) == _brute_force(rows)


def test_the_capture_holds_the_same_transactions(rows: Transactions, capture: Path) -> None:
    assert sorted(_described(_decoded(capture))) == sorted(_described(rows))


def test_registered_domains_are_those_of_the_public_suffix_list(rows: Transactions) -> None:
    suffixes = load_suffixes()
    offsets = rows.rows["domain_offset"].copy()
    assign_domain_offsets(rows.rows, rows.names, suffixes.slots, suffixes.labels)
    assert rows.rows["domain_offset"].tolist() == offsets.tolist()


def test_dnspython_reads_every_message(capture: Path) -> None:
    for _, frame in _packets(capture.read_bytes()):
        message = dns.message.from_wire(frame[42:])
        assert len(message.question) == 1
        assert _ones_complement_sum(frame[14:34]) == 0xFFFF


def test_a_replay_of_the_capture_finds_the_truth(capture: Path) -> None:
    truth = truth_of(MIXTURE)
    options = ReplayOptions(files=(str(capture),), top=len(truth), use_allow_list=False)
    report: dict[str, Any] = replay(options, None)
    counted = {
        row["registered_domain"]: (
            row["unique_hostnames"],
            row["information_bytes"],
            row["queries"],
        )
        for row in report["top_domains"]
    }
    expected = {
        domain: (known.unique_hostnames, known.information_bytes, known.queries)
        for domain, known in truth.items()
    }
    assert counted == expected
    assert not report["not_decoded"]


def test_ordinary_traffic_has_retries_mixed_case_and_missing_names(rows: Transactions) -> None:
    notes = rows.rows["notes"]
    assert np.count_nonzero(notes & int(Note.ID_REUSED)) > 0
    names = [rows.name(i) for i in range(len(rows.rows))]
    mixed = {name for name in names if name.lower() != name and b"\x03com" in name.lower()}
    assert 0.02 < len(mixed) / len(names) < 0.3
    absent = rows.rows["response_flags"] & 15 == 3
    assert 0.05 < absent.mean() < 0.3


def test_ordinary_domains_are_few_and_mostly_of_one_name() -> None:
    ordinary = Mixture(seed=3, seconds=10, ordinary_per_second=200)
    truth = truth_of(ordinary)
    of_one = [known for known in truth.values() if known.unique_hostnames == 1]
    assert len(of_one) > len(truth) / 3
    busiest = max(known.queries for known in truth.values())
    assert busiest > 20 * sum(known.queries for known in truth.values()) / len(truth)


@pytest.mark.parametrize(
    ("tunnel", "query_types", "bytes_a_name"),
    [
        # From recordings of the tools: the type of nearly all queries, information bytes a name.
        (tunnels.iodine(), {10}, (24, 45)),
        (tunnels.dnscat2(), {16, 5, 15}, (147, 190)),
        (tunnels.dns2tcp(), {25}, (12, 17)),
        (tunnels.ozymandns(), {16}, (30, 45)),
        (tunnels.dns_exfiltrator(255, 28_657), {16}, (200, 235)),
        (tunnels.slow_beacon(seconds_apart=1), {1}, (16, 16)),
        (tunnels.a_record(), {1}, (36, 46)),
    ],
    ids=lambda value: value.tool if isinstance(value, tunnels.Tunnel) else "",
)
def test_a_tunnel_looks_like_its_tool(
    tunnel: tunnels.Tunnel, query_types: set[int], bytes_a_name: tuple[float, float]
) -> None:
    mixture = Mixture(
        seed=1,
        seconds=60 / tunnel.names_per_second,
        ordinary_per_second=0,
        tunnels=(tunnel,),
        shapes=(),
    )
    known = truth_of(mixture)[tunnel.domain]
    assert known.tunnel == tunnel.tool
    assert known.unique_hostnames == 60
    assert bytes_a_name[0] <= known.information_bytes / 60 <= bytes_a_name[1]
    sent = _together(mixture)
    assert set(sent.rows["query_type"].tolist()) == query_types
    for i in range(len(sent.rows)):
        assert presentation(sent.name(i)).lower().endswith(tunnel.domain)


def test_iodine_sends_bytes_that_are_no_text() -> None:
    sent = _together(
        Mixture(seed=1, seconds=5, ordinary_per_second=0, tunnels=(tunnels.iodine(),), shapes=())
    )
    heads = {labels(sent.name(i))[0] for i in range(len(sent.rows))}
    used = set(b"".join(head[5:] for head in heads if head.startswith(b"0")))
    assert used <= set(BASE128)
    assert max(used) > 127


@pytest.mark.parametrize(
    ("request_bytes", "file_bytes", "names"),
    [
        (255, 28_657, 131),
        (225, 28_657, 151),
        (185, 28_657, 189),
        (105, 10_946, 150),
        (65, 10_946, 311),
        (255, 10_946, 51),
    ],
)
def test_dns_exfiltrator_needs_as_many_names_as_was_recorded(
    request_bytes: int, file_bytes: int, names: int
) -> None:
    tunnel = tunnels.dns_exfiltrator(request_bytes, file_bytes)
    assert tunnel.names == pytest.approx(names, rel=0.04)
    mixture = Mixture(seed=1, seconds=400, ordinary_per_second=0, tunnels=(tunnel,), shapes=())
    assert truth_of(mixture)[tunnel.domain].unique_hostnames == tunnel.names
    longest = max(len(presentation(name)) for name in map(_together(mixture).name, range(40)))
    assert longest <= request_bytes


def _together(mixture: Mixture) -> Transactions:
    chunks = list(row_stream(mixture))
    used = 0
    for chunk in chunks:
        chunk.rows["name_offset"] += used
        used += len(chunk.names)
    return Transactions(
        np.concatenate([chunk.rows for chunk in chunks]),
        np.concatenate([chunk.names for chunk in chunks]),
    )


def _digest(mixture: Mixture) -> str:
    digest = hashlib.blake2b()
    for chunk in pcap_chunks(mixture):
        digest.update(chunk)
    for transactions in row_stream(mixture):
        digest.update(transactions.rows.tobytes() + transactions.names.tobytes())
    return digest.hexdigest()


def _brute_force(transactions: Transactions) -> dict[str, DomainTruth]:
    tools = {tunnel.domain: tunnel.tool for tunnel in MIXTURE.tunnels}
    names: dict[str, set[bytes]] = defaultdict(set)
    queries: dict[str, int] = defaultdict(int)
    for i, row in enumerate(transactions.rows):
        name = transactions.name(i).lower()
        domain = presentation(name[int(row["domain_offset"]) :])
        names[domain].add(name)
        queries[domain] += 1
    return {
        domain: DomainTruth(
            unique_hostnames=len(found),
            information_bytes=sum(_information(name, domain) for name in found),
            queries=queries[domain],
            tunnel=tools.get(domain),
        )
        for domain, found in names.items()
    }


def _information(name: bytes, domain: str) -> int:
    inner = labels(name)[: -len(domain.split("."))]
    return len(b".".join(inner))


def _decoded(capture: Path) -> Transactions:
    decoder = TransactionDecoder(SecretKey.derived_from(b"generator"))
    kept: list[tuple[Any, list[bytes]]] = []

    def keep(transactions: Transactions) -> None:
        rows = transactions.rows
        kept.append((rows.copy(), [transactions.name(i) for i in range(len(rows))]))

    with CaptureStream([str(capture)]) as stream:
        for block in stream:
            for transactions in decoder.feed(block):
                keep(transactions)
    for transactions in decoder.close():
        keep(transactions)
    rows = np.concatenate([rows for rows, _ in kept])
    names = [name for _, each in kept for name in each]
    ends = np.cumsum([len(name) for name in names])
    rows["name_offset"] = np.concatenate([[0], ends[:-1]])
    return Transactions(rows, np.frombuffer(b"".join(names), np.uint8).copy())


def _described(transactions: Transactions) -> list[tuple[object, ...]]:
    """Everything in a row that capture sets; the registered domain comes later."""
    fields = [field for field in ROW.names or () if field not in {"name_offset", "domain_offset"}]
    return [
        (*(int(row[field]) for field in fields), transactions.name(i))
        for i, row in enumerate(transactions.rows)
    ]


def _packets(data: bytes) -> list[tuple[int, bytes]]:
    packets = []
    at = 24
    while at < len(data):
        seconds, fraction, length, _ = np.frombuffer(data, "<u4", 4, at).tolist()
        packets.append((seconds * 1_000_000 + fraction, data[at + 16 : at + 16 + length]))
        at += 16 + length
    return packets


def _ones_complement_sum(header: bytes) -> int:
    total = int(np.frombuffer(header, ">u2").astype(np.int64).sum())
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
