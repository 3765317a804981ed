from geophone import reasons
from geophone_capture.reasons import NOT_DECODED, NOT_DNS


def test_every_reason_of_capture_is_explained() -> None:
    assert reasons.NOT_DECODED.keys() == {reason.name.lower() for reason in NOT_DECODED}
    assert reasons.NOT_DNS.keys() == {reason.name.lower() for reason in NOT_DNS}


def test_a_reason_is_explained() -> None:
    assert reasons.explained("tcp").startswith("tcp: DNS over TCP")
    assert reasons.not_dns_name("arp") == "ARP"


def test_a_reason_of_a_later_version_falls_back_to_its_name() -> None:
    assert reasons.explained("moon_phase") == "moon_phase"
    assert reasons.not_dns_name("moon_phase") == "moon phase"
