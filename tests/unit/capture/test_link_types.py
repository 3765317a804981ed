import pytest

from geophone_capture import link_types
from geophone_shared.errors import ConfigError


@pytest.mark.parametrize("link", [0, 1, 12, 14, 101, 108, 113, 228, 229, 276])
def test_is_read(link: int) -> None:
    link_types.require_read(link, "x")
    assert link_types.known(link) == link


@pytest.mark.parametrize(
    ("link", "named"), [(105, r"IEEE 802.11 \(105\)"), (220, r"USB on Linux \(220\)"), (999, "999")]
)
def test_is_not_read(link: int, named: str) -> None:
    assert link_types.known(link) == link_types.UNKNOWN
    with pytest.raises(ConfigError, match=f"x.pcap was captured with link type {named}, ") as info:
        link_types.require_read(link, "x.pcap")
    for read in ("null 0", "Ethernet 1", "raw IP 101", "Linux cooked v2 276"):
        assert read in str(info.value)
