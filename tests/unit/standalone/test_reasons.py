from geophone import reasons
from geophone_capture.reasons import NOT_DECODED, NOT_DNS, NOT_VISIBLE


def test_every_reason_of_capture_is_explained() -> None:
    assert reasons.NOT_DECODED.keys() == {reason.name.lower() for reason in NOT_DECODED}
    assert reasons.NOT_DNS.keys() == {reason.name.lower() for reason in NOT_DNS}
    assert reasons.NOT_VISIBLE.keys() == {reason.name.lower() for reason in NOT_VISIBLE}


def test_a_reason_is_explained() -> None:
    assert reasons.explained("no_question") == "no_question: a message without a question"
    assert reasons.not_dns_name("arp") == "ARP"
    assert reasons.not_visible_name("dns_over_tls") == "DNS over TLS or QUIC (port 853)"


def test_a_reason_of_a_later_version_falls_back_to_its_name() -> None:
    assert reasons.explained("moon_phase") == "moon_phase"
    assert reasons.not_dns_name("moon_phase") == "moon phase"
    assert reasons.not_visible_name("moon_phase") == "moon phase"
