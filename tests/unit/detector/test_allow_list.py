import pytest

from geophone_detector.allow_list import SHIPPED_ENTRIES, parse_allow_list, wire_entries
from geophone_shared.errors import ConfigError
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.names import presentation, wire_name
from geophone_shared.suffixes import load_suffixes
from tests.support.detector_rows import NOON_US, Row, transactions_of
from tests.support.window_driver import create_windows, feed, keys

pytestmark = pytest.mark.kernels


def test_the_shipped_entries_are_the_published_watchs_and_services_of_ever_new_names() -> None:
    assert set(SHIPPED_ENTRIES) == {
        "akadns.net",
        "amazonaws.com",
        "apple.com",
        "apple-dns.net",
        "cloudfront.net",
        "icloud.com",
        "in-addr.arpa",
        "google.com",
        "yahoo.com",
        *("ip6.arpa", "local", "home.arpa"),
        *("avqs.mcafee.com", "avts.mcafee.com", "e5.sk", "sophosxl.net"),
        *("barracudacentral.org", "spamcop.net", "spamhaus.org", "surbl.org", "uribl.com"),
    }
    assert len(set(SHIPPED_ENTRIES)) == len(SHIPPED_ENTRIES)
    assert wire_entries(SHIPPED_ENTRIES)[0] == b"\x06akadns\x03net"


def test_a_file_has_an_entry_a_line_with_comments_and_wildcards() -> None:
    text = """
# Ours
apple.com
  icloud.com   # with blanks and a comment
*.akadns.net
.cloudfront.net.
Bücher.example
a\\.b.example
#evil.example
"""
    assert [presentation(entry) for entry in parse_allow_list(text, "list")] == [
        "apple.com",
        "icloud.com",
        "akadns.net",
        "cloudfront.net",
        "xn--bcher-kva.example",
        r"a\046b.example",
    ]


def test_lines_may_end_as_on_windows_and_a_file_may_be_empty() -> None:
    assert parse_allow_list("a.example\r\nb.example", "list") == [
        wire_name("a.example"),
        wire_name("b.example"),
    ]
    assert parse_allow_list("", "list") == []


@pytest.mark.parametrize(
    "entry",
    ["not a name", "a..b", "x" * 64 + ".example", "a*b c", "*", "*.", ".", f"{'a.' * 127}example"],
)
def test_an_error_names_the_file_and_the_line(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"^allowed\.txt, line 3: .* is not a domain name"):
        parse_allow_list(f"apple.com\n\n{entry}\nb.example", "allowed.txt")


def test_an_entry_that_is_no_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not a domain name"):
        wire_entries(["apple.com", "a..b"])


def counted_under(name: str, *entries: str) -> tuple[str, bool]:
    """The key that a name is counted under with these entries, and whether it is allowed."""
    row = Row(name=wire_name(name), domain_offset=0, completed_us=NOON_US, time_us=NOON_US)
    transactions = transactions_of([row])
    suffixes = load_suffixes()
    assign_domain_offsets(transactions.rows, transactions.names, suffixes.slots, suffixes.labels)
    offset = int(transactions.rows[0]["domain_offset"])
    windows = create_windows(allow_list=entries)
    feed(
        windows,
        [Row(name=row.name, domain_offset=offset, completed_us=NOON_US, time_us=NOON_US)],
    )
    [key] = keys(windows.tables)
    return presentation(key), bool(windows.tables.domains[0]["is_allowed"])


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        # An entry covers itself and what ends in it, label by label.
        ("apple.com", "apple.com", ("apple.com", True)),
        ("www.Apple.COM", "apple.com", ("apple.com", True)),
        ("www.apple.com", "APPLE.com", ("apple.com", True)),
        ("badapple.com", "apple.com", ("badapple.com", False)),
        ("apple.com.evil.example", "apple.com", ("evil.example", False)),
        ("apple.co", "apple.com", ("apple.co", False)),
        ("com", "apple.com", ("com", False)),
        # Coarser than the registered domain, where the list has private rules: each stays apart.
        ("e1.x.akadns.net", "akadns.net", ("x.akadns.net", True)),
        ("d111.cloudfront.net", "cloudfront.net", ("d111.cloudfront.net", True)),
        ("4.3.2.1.in-addr.arpa", "in-addr.arpa", ("1.in-addr.arpa", True)),
        ("anything.example", "example", ("anything.example", True)),
        # Finer: a row of its own.
        ("x.avqs.mcafee.com", "avqs.mcafee.com", ("avqs.mcafee.com", True)),
        ("avqs.mcafee.com", "avqs.mcafee.com", ("avqs.mcafee.com", True)),
        ("x.avqs.mcafee.com", "y.avqs.mcafee.com", ("mcafee.com", False)),
        ("www.mcafee.com", "avqs.mcafee.com", ("mcafee.com", False)),
    ],
)
def test_what_an_entry_covers(name: str, entry: str, expected: tuple[str, bool]) -> None:
    assert counted_under(name, entry) == expected


def test_of_two_entries_the_finer_one_counts() -> None:
    entries = ("mcafee.com", "avqs.mcafee.com")
    assert counted_under("x.avqs.mcafee.com", *entries) == ("avqs.mcafee.com", True)
    assert counted_under("x.avts.mcafee.com", *entries) == ("mcafee.com", True)


def test_without_an_entry_nothing_is_allowed() -> None:
    assert counted_under("www.apple.com") == ("apple.com", False)


@pytest.mark.parametrize(
    "name",
    [
        "foo.akadns.net",
        "s3.amazonaws.com",
        "www.apple.com",
        "x.apple-dns.net",
        "d111.cloudfront.net",
        "gateway.icloud.com",
        "4.3.2.1.in-addr.arpa",
        "mail.google.com",
        "www.yahoo.com",
        "1.0.0.2.ip6.arpa",
        "printer.corp.local",
        "nas.home.arpa",
        "4z9p5tjmcbnblehp4557z1d136.avqs.mcafee.com",
        "sfqpit75pjh525siewar2dtgt5.avts.mcafee.com",
        "x.dnsj.e5.sk",
        "0.0.3.f.01.mac.sophosxl.net",
        "2.0.0.127.b.barracudacentral.org",
        "2.0.0.127.bl.spamcop.net",
        "2.0.0.127.zen.spamhaus.org",
        "test.multi.surbl.org",
        "test.multi.uribl.com",
    ],
)
def test_every_shipped_entry_covers_what_it_is_meant_for(name: str) -> None:
    assert counted_under(name, *SHIPPED_ENTRIES)[1]
