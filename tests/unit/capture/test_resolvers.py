"""The list of resolvers is sorted as the kernel's search wants it, and has no mistakes in it."""

from geophone_capture.resolvers import BY_OWNER, resolver_addresses, resolver_table


def test_addresses_are_public_and_stand_once() -> None:
    addresses = resolver_addresses()
    assert len(set(addresses)) == len(addresses) > 80
    assert all(address.is_global for address in addresses)
    assert list(BY_OWNER) == sorted(BY_OWNER, key=str.casefold)


def test_the_table_rises() -> None:
    rows = [(int(high) << 64) | int(low) for high, low in resolver_table()]
    assert rows == sorted(set(rows))
    assert (0xFFFF << 32) | 0x08080808 in rows
    assert len(rows) == len(resolver_addresses())
