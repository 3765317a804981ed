from typing import Any

import pytest

from geophone_alerter.email_settings import EmailSettings, mailbox
from geophone_shared.errors import ConfigError

GOOD: dict[str, Any] = {
    "host": "mail.example.com",
    "sender": "geophone@example.com",
    "recipients": ("soc@example.com",),
}


def test_defaults_are_the_safe_ones() -> None:
    settings = EmailSettings(**GOOD)
    assert (settings.port, settings.starttls, settings.username) == (587, "required", None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"host": ""}, "host has to be a name or an address"),
        ({"host": "a b"}, "host has to be"),
        ({"host": "mail\r\nRCPT TO:<x@y>"}, "host has to be"),
        ({"port": 0}, "port has to be 1 to 65535"),
        ({"port": 65_536}, "port has to be"),
        ({"timeout_seconds": 0}, "timeout_seconds has to be above 0"),
        ({"starttls": "maybe"}, "starttls has to be required, implicit or off"),
        ({"recipients": ()}, "give 1 to 100 different recipients"),
        ({"recipients": ("a@b.c", "a@b.c")}, "give 1 to 100 different recipients"),
        ({"recipients": tuple(f"u{n}@b.c" for n in range(101))}, "give 1 to 100"),
        ({"recipients": ("soc",)}, "'soc' is no address such as"),
        ({"sender": ""}, "'' is no address such as"),
        ({"username": "geophone"}, "only go together"),
        ({"password": "hunter2"}, "only go together"),
        ({"username": "u", "password": "hunter2", "starttls": "off"}, "unencrypted"),
    ],
)
def test_each_mistake_has_one_sentence_without_a_secret(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as raised:
        EmailSettings(**GOOD | fields)
    assert str(raised.value).startswith("email: ")
    assert str(raised.value).isprintable()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "LOCALHOST"])
def test_a_password_may_go_unencrypted_to_this_machine(host: str) -> None:
    fields = {"host": host, "username": "u", "password": "hunter2", "starttls": "off"}
    assert EmailSettings(**GOOD | fields).password == "hunter2"  # noqa: S105


def test_a_password_is_not_shown() -> None:
    fields = {"username": "u", "password": "hunter2"}
    assert "hunter2" not in repr(EmailSettings(**GOOD | fields))


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("soc@example.com", "", "soc@example.com"),
        (" soc@example.com ", "", "soc@example.com"),
        ("<soc@example.com>", "", "soc@example.com"),
        ("Geophone <soc@example.com>", "Geophone", "soc@example.com"),
        ("The SOC no. 2<soc+dns@mail-1.example.com>", "The SOC no. 2", None),
        ("root@localhost", "", "root@localhost"),
        ("a.b_c/d=e!{f}@x", "", "a.b_c/d=e!{f}@x"),
    ],
)
def test_addresses(text: str, name: str, address: str | None) -> None:
    found = mailbox(text)
    assert (found.display_name, found.addr_spec) == (name, address or "soc+dns@mail-1.example.com")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soc",
        "@example.com",
        "soc@",
        "a b@example.com",
        "a@b@c",
        ".a@b",
        "a..b@c",
        "a@b..c",
        '"a b"@example.com',
        "soc@example.com, b@example.com",
        "soc@example.com>\r\nRCPT TO:<x@y",
        "a@b\n",
        "Größe <a@b.c>",
        "ä@example.com",
        "a@exämple.com",
        "=?utf-8?q?x?= <a@b.c>",
        "N <a@b.c> x",
        "<>",
        "x" * 250 + "@example.com",
    ],
)
def test_what_would_need_quoting_or_encoding_is_no_address(text: str) -> None:
    if text == "a@b\n":  # surrounding blanks are what people leave in a setting
        assert mailbox(text).addr_spec == "a@b"
        return
    with pytest.raises(ConfigError, match="is no address"):
        mailbox(text)
