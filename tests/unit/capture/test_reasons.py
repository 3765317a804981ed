"""Every reason is a query, a response, not DNS, or DNS that could not be used: one of them."""

from geophone_capture.reasons import NOT_DECODED, NOT_DNS, NOT_VISIBLE, PIECES, Reason


def test_each_reason_is_in_one_group() -> None:
    groups = [Reason.QUERY, Reason.RESPONSE, *PIECES, *NOT_DNS, *NOT_VISIBLE, *NOT_DECODED]
    assert sorted(groups) == list(Reason)


def test_reasons_are_indexes_of_the_counters() -> None:
    assert [reason.value for reason in Reason] == list(range(len(Reason)))


def test_what_may_hide_dns_is_not_called_other_traffic() -> None:
    assert {
        Reason.ENCAPSULATED,
        Reason.UNKNOWN_LINK_TYPE,
        Reason.CUT_BY_SNAPLEN,
    } <= set(NOT_DECODED)
    assert {reason.name for reason in NOT_DNS} == {
        "ARP",
        "ICMP",
        "OTHER_PORT",
        "OTHER_PROTOCOL",
        "OTHER_ETHERTYPE",
        "MULTICAST_DNS",
        "LLMNR",
        "NETBIOS",
    }
