"""What people are shown of a domain; property tests compare the counts with brute force."""

import math
from dataclasses import replace

import pytest

from geophone_detector.summaries import client_count, domain_name, summary_at_peak, summary_now
from geophone_shared.hashing import SecretKey
from geophone_shared.summaries import ClientQueries, DomainSummary
from geophone_shared.transactions import Outcome
from tests.support.detector_rows import DAY_US, DOMAIN, HOUR_US, NOON_US, Row, from_clients, row
from tests.support.window_driver import PLENTY, SECRET, create_windows, feed, mark

pytestmark = pytest.mark.kernels


def summary_of(rows: list[Row], exact_cap_names: int = PLENTY) -> DomainSummary:
    """The first row's domain after all of them, in four hours."""
    windows = create_windows(exact_cap_names=exact_cap_names, sketches=0)
    feed(windows, rows)
    return summary_now(windows.tables, 0, 1)


def test_a_summary_of_a_few_rows() -> None:
    rows = [
        row("Ab.c", DOMAIN, NOON_US, client="192.0.2.9"),
        replace(row("aB.C", DOMAIN.upper(), NOON_US + 1), query_type=16, response_code=3),
        row("d", DOMAIN, NOON_US + 2, time_us=NOON_US - 5, outcome=Outcome.UNANSWERED),
        row("d", DOMAIN, NOON_US + 3, client="2001:db8::1", outcome=Outcome.UNSOLICITED),
    ]
    assert summary_of(rows) == DomainSummary(
        registered_domain="pirate.sea",
        window_seconds=14_400,
        unique_hostnames=2,
        unique_hostnames_lower=2,
        unique_hostnames_upper=2,
        exact=True,
        information_bytes=5,
        queries=3,
        unanswered=1,
        bytes_in=160,
        bytes_out=400,
        clients=3,
        clients_exact=True,
        top_clients=(
            ClientQueries("192.0.2.1", 2),
            ClientQueries("192.0.2.9", 1),
            ClientQueries("2001:db8::1", 0),
        ),
        query_types={"A": 2, "TXT": 1},
        response_codes={"NOERROR": 2, "NXDOMAIN": 1},
        first_seen_us=NOON_US - 5,
        last_seen_us=NOON_US + 3,
        sample_names=("Ab.c.pirate.sea", "d.pirate.sea"),
        allowed=False,
        evidence_since_us=None,
    )


def test_a_summary_now_has_what_lives_and_one_at_the_peak_what_did() -> None:
    windows = create_windows()
    feed(windows, [row(host, DOMAIN, NOON_US) for host in ("a", "bb")])
    mark(windows, NOON_US + 5 * HOUR_US)
    now, peak = summary_now(windows.tables, 0, 0), summary_at_peak(windows.tables, 0, 0)
    assert (now.unique_hostnames, now.information_bytes) == (0, 0)
    assert (peak.unique_hostnames, peak.information_bytes) == (2, 3)
    assert replace(now, unique_hostnames=2, information_bytes=3) == replace(
        peak, unique_hostnames_lower=0, unique_hostnames_upper=0
    )


def test_names_over_the_exact_cap_widen_the_bounds() -> None:
    summary = summary_of([row(host, DOMAIN, NOON_US) for host in "abcde"], exact_cap_names=3)
    assert not summary.exact
    assert (
        summary.unique_hostnames_lower,
        summary.unique_hostnames,
        summary.unique_hostnames_upper,
    ) == (3, 3, 5)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("0.0.0.1", "0.0.0.1"),
        ("192.0.2.255", "192.0.2.255"),
        ("255.255.255.255", "255.255.255.255"),
        ("::", "::"),
        ("::1", "::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::1.2.3.4", "::102:304"),
        ("::fffe:102:304", "::fffe:102:304"),
        ("1::ffff:102:304", "1::ffff:102:304"),
        ("2001:db8::8000:0:0:1", "2001:db8::8000:0:0:1"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_addresses(address: str, shown: str) -> None:
    assert summary_of(from_clients([address])).top_clients == (ClientQueries(shown, 1),)


def test_addresses_that_differ_in_one_half_are_two_clients() -> None:
    assert summary_of(from_clients(["2001:db8::1", "2001:db8:0:1::1", "2001:db8::2"])).clients == 3


def test_clients_are_ranked_by_queries_and_ties_go_by_address() -> None:
    addresses = ["192.0.2.10", "192.0.2.9", "192.0.2.9", "192.0.2.2"]
    assert summary_of(from_clients(addresses)).top_clients == (
        ClientQueries("192.0.2.9", 2),
        ClientQueries("192.0.2.2", 1),
        ClientQueries("192.0.2.10", 1),
    )


@pytest.mark.parametrize(("clients", "is_exact"), [(1, True), (16, True), (17, False)])
def test_clients_are_exact_up_to_sixteen(*, clients: int, is_exact: bool) -> None:
    summary = summary_of(from_clients([f"192.0.2.{number}" for number in range(clients)]))
    assert summary.clients_exact is is_exact
    assert len(summary.top_clients) == min(clients, 16)
    if is_exact:
        assert summary.clients == clients


@pytest.mark.parametrize("clients", [20, 100, 500])
@pytest.mark.parametrize(
    "form", ["10.1.{high}.{low}", "2001:db8:{high}::{low}", "{low}.{high}.0.9"]
)
def test_more_clients_are_estimated_within_a_tenth(clients: int, form: str) -> None:
    addresses = [form.format(high=number // 200, low=number % 200) for number in range(clients)]
    assert len(set(addresses)) == clients
    rows = from_clients(addresses)
    summaries = []
    for secret in (SECRET, SecretKey.derived_from(b"another")):
        windows = create_windows(secret=secret)
        feed(windows, rows + rows)
        summaries.append(summary_now(windows.tables, 0, 1))
        assert client_count(windows.tables, 0) == (summaries[-1].clients, False)
    assert abs(summaries[0].clients - clients) <= clients / 10
    assert summaries[0] == summaries[1]


def test_a_crowd_that_sets_every_bit_is_shown_as_the_most_that_can_be_told() -> None:
    windows = create_windows()
    feed(windows, from_clients([f"10.0.0.{number}" for number in range(17)]))
    windows.tables.evidence[0]["client_bits"][:] = 2**64 - 1
    assert client_count(windows.tables, 0) == (round(1_024 * math.log(1_024)), False)


def test_a_busy_client_is_never_lost_in_a_crowd() -> None:
    """Space-Saving keeps what has more than a sixteenth of the queries, and never undercounts."""
    rows = []
    for number in range(300):
        rows += from_clients([f"10.0.{number >> 8}.{number & 255}", "192.0.2.1"])
    first = summary_of(rows).top_clients[0]
    assert first.address == "192.0.2.1"
    assert first.queries >= 300


def test_query_types_beyond_twelve_are_others() -> None:
    rows = [
        replace(row("a", DOMAIN, NOON_US), query_type=query_type)
        for query_type in [*range(256, 268), 1, 16, 256, 1]
    ]
    query_types = dict(summary_of(rows).query_types)
    assert query_types.pop("other") == 3
    assert len(query_types) == 12
    assert query_types["URI"] == 2  # 256
    assert sum(query_types.values()) == 13


def test_every_response_code_of_the_header_has_its_count() -> None:
    rows = [replace(row("a", DOMAIN, NOON_US), response_code=code) for code in range(16)]
    response_codes = summary_of(rows + rows[:1]).response_codes
    assert len(response_codes) == 16
    assert response_codes["NOERROR"] == 2
    assert response_codes["REFUSED"] == response_codes["RCODE12"] == 1


def test_sample_names_are_the_first_eight_distinct_ones_as_they_were_written() -> None:
    rows = [row(host, DOMAIN, NOON_US) for host in ("B", "b", "a", *"cdefghij")]
    expected = tuple(f"{host}.{DOMAIN}" for host in "Bacdefgh")
    assert summary_of(rows).sample_names == expected


def test_a_name_that_comes_back_after_it_left_is_no_second_sample() -> None:
    kept = [row("b", DOMAIN, NOON_US + 12 * hours * HOUR_US) for hours in range(4)]
    rows = [row("a", DOMAIN, NOON_US), *kept, row("A", DOMAIN, NOON_US + 2 * DAY_US)]
    assert summary_of(rows).sample_names == ("a.pirate.sea", "b.pirate.sea")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"", "."),
        (b"\x04wpad", "wpad"),
        (b"\x03a.b\x01c", r"a\046b.c"),
        (b"\x03a\\b\x01c", r"a\092b.c"),
        (b"\x03a b\x01c", r"a\032b.c"),
        (b"\x04\x00\x1f\x7f\xff", r"\000\031\127\255"),
        (b"\x05\"';<&", "\"';<&"),
    ],
)
def test_names_of_any_bytes_are_escaped_and_nothing_is_lost(name: bytes, shown: str) -> None:
    summary = summary_of([Row(name=name, domain_offset=0, completed_us=NOON_US, time_us=NOON_US)])
    assert summary.registered_domain == shown
    assert summary.sample_names == (shown,)
    assert summary.information_bytes == 0


def test_the_longest_name_there_is_fits() -> None:
    name = b"".join(bytes([63]) + letter * 63 for letter in (b"A", b"B", b"C"))
    name += bytes([61]) + b"\xff" * 61
    summary = summary_of([Row(name=name, domain_offset=192, completed_us=NOON_US, time_us=NOON_US)])
    assert summary.information_bytes == 3 * 63 + 2
    assert len(summary.sample_names[0]) == 3 * 64 + 61 * 4


def test_the_name_of_a_domain_is_lower_case() -> None:
    windows = create_windows()
    feed(windows, [row("X", "PIRATE.sea", NOON_US)])
    assert domain_name(windows.tables, 0) == "pirate.sea"
