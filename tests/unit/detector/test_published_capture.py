"""What the detector says of the tunnel that Elastic published, as literals."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.sources import CaptureStream
from geophone_detector.allow_list import SHIPPED_ENTRIES, wire_entries
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES
from geophone_detector.top import top_domains
from geophone_shared.alerts import Alert
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.suffixes import compile_suffix_set, load_suffixes
from geophone_shared.summaries import ClientQueries
from geophone_shared.transactions import Outcome, Transactions
from tests.support.alert_model import AlertModel
from tests.support.detector_rows import FAR_US, Row
from tests.support.window_driver import SECRET
from tests.support.window_model import WindowModel

pytestmark = pytest.mark.kernels


def transactions_in(path: Path) -> tuple[list[Transactions], int]:
    """A capture's transactions with their registered domains, and its first packet's time."""
    suffixes = load_suffixes()
    decoder = TransactionDecoder(SECRET)
    found = []

    def keep(completed: Iterable[Transactions]) -> None:
        for one in completed:
            rows, names = one.rows.copy(), one.names.copy()
            assign_domain_offsets(rows, names, suffixes.slots, suffixes.labels)
            found.append(Transactions(rows, names))

    with CaptureStream([str(path)]) as stream:
        for block in stream:
            keep(decoder.feed(block))
        keep(decoder.close())
    assert decoder.first_us is not None
    return found, decoder.first_us


@pytest.fixture(scope="module")
def published(captures: Callable[[str], Path]) -> tuple[list[Transactions], int]:
    return transactions_in(captures("dns-tunnel-iodine.pcap"))


def create_detector() -> Detector:
    """A detector as it is shipped."""
    return Detector(SHIPPED_RULES, compile_suffix_set(wire_entries(SHIPPED_ENTRIES)), SECRET)


def alerts_of(batches: list[Transactions]) -> list[Alert]:
    """What a detector says of the batches."""
    detector = create_detector()
    return [event for batch in batches for event in detector.observe(batch, FAR_US)]


def one_by_one(batches: list[Transactions]) -> list[Transactions]:
    """The same rows in batches of one."""
    return [
        Transactions(batch.rows[index : index + 1], batch.names)
        for batch in batches
        for index in range(batch.rows.size)
    ]


def milliseconds(duration_us: int) -> int:
    """The nearest millisecond."""
    return round(duration_us / 1_000)


def test_burst_opens_at_the_32nd_name_and_unique_hostnames_at_the_201st(
    published: tuple[list[Transactions], int],
) -> None:
    batches, first_us = published
    burst, names = alerts_of(batches)
    assert (burst.rule, burst.state, burst.severity) == ("burst", "opened", "high")
    assert milliseconds(burst.opened_at_us - first_us) == 13_033
    assert (burst.value, burst.threshold, burst.window_seconds) == (4_245, 4_096, 600)
    assert (burst.evidence.unique_hostnames, burst.evidence.information_bytes) == (32, 4_245)
    assert (burst.evidence.queries, burst.evidence.unanswered) == (32, 4)

    assert (names.rule, names.state, names.severity) == ("unique-hostnames", "opened", "high")
    assert names.opened_at_us - first_us == 16_180_573  # +16.181 s
    assert milliseconds(names.evidence.last_seen_us - first_us) == 16_169  # its query
    assert (names.value, names.threshold, names.window_seconds) == (201, 200, 14_400)
    assert (names.registered_domain, names.allowed) == ("pirate.sea", False)
    evidence = names.evidence
    assert (evidence.unique_hostnames, evidence.exact) == (201, True)
    assert evidence.information_bytes == 7_104
    assert (evidence.queries, evidence.unanswered) == (201, 7)
    assert (evidence.bytes_in, evidence.bytes_out) == (15_122, 32_947)
    assert evidence.top_clients == (ClientQueries("10.0.2.30", 201),)
    assert (evidence.query_types, evidence.response_codes) == ({"NULL": 201}, {"NOERROR": 194})
    assert len(evidence.sample_names) == 8
    assert evidence.first_seen_us == first_us


def test_the_totals_are_the_published_ones(published: tuple[list[Transactions], int]) -> None:
    batches, first_us = published
    detector = create_detector()
    for batch in batches:
        detector.observe(batch, FAR_US)
    [top] = top_domains(detector.windows.tables, detector.windows.archive, 1, 10)
    assert (top.registered_domain, top.unique_hostnames) == ("pirate.sea", 222)
    assert (top.information_bytes, top.queries, top.unanswered) == (7_954, 222, 10)
    assert (top.bytes_in, top.bytes_out) == (16_812, 35_212)
    assert (top.clients, top.clients_exact) == (1, True)
    assert top.first_seen_us == first_us


def test_the_answered_ones_alone_are_those_of_the_published_readme(
    published: tuple[list[Transactions], int],
) -> None:
    batches, first_us = published
    detector = create_detector()
    events = []
    for batch in batches:
        answered = batch.rows[batch.rows["outcome"] == Outcome.ANSWERED]
        events += detector.observe(Transactions(answered, batch.names), FAR_US)
    [top] = top_domains(detector.windows.tables, detector.windows.archive, 1, 10)
    assert (top.unique_hostnames, top.queries, top.unanswered) == (212, 212, 0)
    assert (top.bytes_in, top.bytes_out) == (14_235, 35_212)
    assert milliseconds(events[-1].opened_at_us - first_us) == 16_321


def test_batches_of_one_row_say_the_same(published: tuple[list[Transactions], int]) -> None:
    batches, _ = published
    assert alerts_of(one_by_one(batches)) == alerts_of(batches)


def test_brute_force_says_the_same(published: tuple[list[Transactions], int]) -> None:
    batches, _ = published
    model = AlertModel(SHIPPED_RULES, WindowModel(allow_list=wire_entries(SHIPPED_ENTRIES)))
    expected = [event for batch in one_by_one(batches) for event in model.add(model_row(batch))]
    assert alerts_of(batches) == expected


def model_row(batch: Transactions) -> Row:
    """The only row of a batch, as the model takes it."""
    row = batch.rows[0]
    return Row(
        name=batch.name(0),
        domain_offset=int(row["domain_offset"]),
        completed_us=int(row["completed_us"]),
        time_us=int(row["time_us"]),
        client="10.0.2.30",
        outcome=Outcome(row["outcome"]),
        query_type=int(row["query_type"]),
        response_code=int(row["response_flags"]) & 15,
        bytes_in=int(row["bytes_in"]),
        bytes_out=int(row["bytes_out"]),
    )
