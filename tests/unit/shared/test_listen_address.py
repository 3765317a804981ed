import pytest

from geophone_shared.listen_address import ListenAddress


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:8053", "127.0.0.1", 8053, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("[::1]:8053", "::1", 8053, True),
        ("localhost:65535", "localhost", 65_535, True),
        ("LOCALHOST:1", "LOCALHOST", 1, True),
        ("0.0.0.0:8053", "0.0.0.0", 8053, False),  # noqa: S104 - it is only looked at
        ("[::]:8053", "::", 8053, False),
        ("10.0.0.1:80", "10.0.0.1", 80, False),
        ("probe.example.com:80", "probe.example.com", 80, False),
        ("127.0.0.1.example.com:80", "127.0.0.1.example.com", 80, False),
    ],
)
def test_an_address_is_read_and_written_alike(
    text: str, host: str, port: int, is_loopback: bool
) -> None:
    address = ListenAddress.parse(text)
    assert address == ListenAddress(host, port)
    assert address.is_loopback is is_loopback
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["8053", ":8053", "127.0.0.1", "127.0.0.1:", "::1:8053", "a b:1", "a:65536", "a:-1", "a:1\n"],
)
def test_what_is_no_address_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write ADDRESS:PORT, such as"):
        ListenAddress.parse(text)
