"""Domain names that an attacker would choose, for every place that shows one.

What a name's bytes want to be in is named beside them: a mail header, a page, a terminal, a
spreadsheet, a line of a log.
"""

from geophone_shared.names import presentation

_LABELS = [
    b"=?utf-8?q?a=0ABcc:_x@y?=",  # an encoded word (RFC 2047), whose decoding is another header
    b"=?utf-8?b?DQpCY2M6IHhAeQ==?=",
    b"a\r\nBcc: everyone@example.com",
    b"a\nb",
    b"a\rb",
    b"\x00",
    b"a.b",
    b"a\\b",
    b"\x1b[31mred\x1b[0m",
    b"\x1b]0;title\x07",
    b"\x9b31m",
    b"\xe2\x80\xaegnp.exe",  # U+202E turns the direction of writing
    b"\xe2\x81\xa6x",
    b"<script>alert(1)</script>",
    b'"><img src=x onerror=alert(1)>',
    b"&lt;",
    b"=cmd()",
    b"+1+1",
    b"-2",
    b"@SUM(A1)",
    b"\t=1",
    b'"}\n{"forged": true}',
    b"'; DROP TABLE domains; --",
    b"%s%n${jndi:ldap://x}{{7*7}}",
    b"..%2f..%2f",
    b"http://x",
    b"<a@b.c>",
    b" ",
    b"\xff" * 63,
    b"WwW",
]

_NAMES = [
    *[bytes([len(label)]) + label + b"\x06hidden\x07example" for label in _LABELS],
    *[b"\x03www" + bytes([len(label)]) + label for label in _LABELS],
    b"",
    (b"\x3f" + b"\x01" * 63) * 3 + b"\x3d" + b"\xfe" * 61,
]

HOSTILE_DOMAINS: list[str] = [presentation(name) for name in _NAMES]
"""As the records of the log hold them: in presentation form."""

FORGED_TEXTS: list[str] = [
    "=?utf-8?q?a=0ABcc:_x@y?=",
    "<script>alert(1)</script>",
    'a, b <x@y.example>; "c"',
    "größer ∞ 日本",
    "שלום",
    "x" * 1_024,
    "日" * 1_024,
    " ",
]
"""What whoever writes to the log can put where a text belongs: all that prints."""
