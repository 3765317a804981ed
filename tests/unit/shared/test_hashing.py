"""The hash kernels against plain references and published vectors, and the secret key."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import Array
from geophone_shared.kernels.hashing import (
    PRESENTATION_LIMIT_BYTES,
    murmur2,
    partition_of,
    siphash13,
    siphash13_5,
    write_presentation,
)
from geophone_shared.names import presentation, wire_name
from tests.support.rows import wire_names

pytestmark = pytest.mark.kernels

_64_BITS = (1 << 64) - 1
_32_BITS = (1 << 32) - 1
_WORDS = st.integers(0, _64_BITS)


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & _64_BITS


def _sip_round(state: list[int]) -> None:
    a, b, c, d = state
    a = a + b & _64_BITS
    b = _rotated(b, 13) ^ a
    a = _rotated(a, 32)
    c = c + d & _64_BITS
    d = _rotated(d, 16) ^ c
    a = a + d & _64_BITS
    d = _rotated(d, 21) ^ a
    c = c + b & _64_BITS
    b = _rotated(b, 17) ^ c
    c = _rotated(c, 32)
    state[:] = a, b, c, d


def siphash(data: bytes, key0: int, key1: int, *, compressions: int, finalizations: int) -> int:
    """SipHash as in the paper's section 2."""
    state = [
        key0 ^ 0x736F6D6570736575,
        key1 ^ 0x646F72616E646F6D,
        key0 ^ 0x6C7967656E657261,
        key1 ^ 0x7465646279746573,
    ]
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        state[3] ^= word
        for _ in range(compressions):
            _sip_round(state)
        state[0] ^= word
    state[2] ^= 0xFF
    for _ in range(finalizations):
        _sip_round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def reference13(data: bytes, key0: int, key1: int) -> int:
    return siphash(data, key0, key1, compressions=1, finalizations=3)


def java_murmur2(data: bytes) -> int:
    """Port of Kafka's `Utils.murmur2`; signed, as Java has it."""
    factor = 0x5BD1E995
    value = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * factor & _32_BITS
        word = (word ^ word >> 24) * factor & _32_BITS
        value = (value * factor & _32_BITS) ^ word
    if len(data) > whole:
        value ^= int.from_bytes(data[whole:], "little")
        value = value * factor & _32_BITS
    value = (value ^ value >> 13) * factor & _32_BITS
    value ^= value >> 15
    return value - (1 << 32) if value >= 1 << 31 else value


def array(data: bytes) -> Array:
    return np.frombuffer(bytearray(data), np.uint8)


def kernel_siphash(
    data: bytes, key0: int, key1: int, before: bytes = b"", behind: bytes = b""
) -> int:
    buffer = array(before + data + behind)
    return int(siphash13(buffer, len(before), len(data), np.uint64(key0), np.uint64(key1)))


def kernel_presentation(wire: bytes) -> str:
    scratch = np.zeros(PRESENTATION_LIMIT_BYTES, np.uint8)
    written = write_presentation(array(wire), 0, len(wire), scratch)
    return scratch[:written].tobytes().decode("ascii")


def kernel_partition(wire: bytes, partitions: int) -> int:
    scratch = np.zeros(PRESENTATION_LIMIT_BYTES, np.uint8)
    return partition_of(array(wire), 0, len(wire), scratch, partitions)


def test_the_reference_gives_the_vector_of_the_paper() -> None:
    data = bytes(range(15))
    key = SecretKey.from_bytes(bytes(range(16)))
    found = siphash(data, int(key.key0), int(key.key1), compressions=2, finalizations=4)
    assert found == 0xA129CA6149BE45E5


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, 0xD1FBA762150C532C),
        (1, 0x68A914128E01E473),
        (7, 0x2F098AB0C751325A),
        (8, 0xEAD411E67EBE2EEA),
        (15, 0xF30EB725BB91C9EA),
        (16, 0x8972188433A5C5B7),
        (30, 0xD427C34EE09470C6),
        (37, 0x422A9751192FF266),
    ],
)
def test_siphash13_gives_what_the_authors_implementation_gives(length: int, expected: int) -> None:
    """Of the bytes 0, 1, 2 ... under the key 0; github.com/veorq/SipHash with cROUNDS 1, dROUNDS 3.

    None of these bytes is a letter.
    """
    assert kernel_siphash(bytes(range(length)), 0, 0) == expected


@given(st.binary(max_size=300), _WORDS, _WORDS, st.binary(max_size=9), st.binary(max_size=9))
def test_siphash13_hashes_letters_in_lower_case(
    data: bytes, key0: int, key1: int, before: bytes, behind: bytes
) -> None:
    assert kernel_siphash(data, key0, key1, before, behind) == reference13(data.lower(), key0, key1)


def test_siphash13_lowers_the_letters_a_to_z_and_no_other_byte() -> None:
    every_byte = bytes(range(256))
    assert kernel_siphash(every_byte, 1, 2) == reference13(every_byte.lower(), 1, 2)
    for byte in set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        assert kernel_siphash(bytes([byte]), 1, 2) == reference13(bytes([byte]), 1, 2)


def test_length_bytes_of_a_wire_name_are_left_alone() -> None:
    wire = b"\x3f" + b"Q" * 63 + b"\x07ExAmPlE"
    assert kernel_siphash(wire, 3, 4) == reference13(wire.lower(), 3, 4)
    assert wire.lower()[0] == 63


@given(st.lists(_WORDS, min_size=5, max_size=5), _WORDS, _WORDS)
def test_siphash13_of_words_is_that_of_their_bytes(words: list[int], key0: int, key1: int) -> None:
    data = b"".join(word.to_bytes(8, "little") for word in words)
    arguments = [np.uint64(word) for word in (*words, key0, key1)]
    assert int(siphash13_5(*arguments)) == reference13(data, key0, key1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_gives_the_vectors_of_kafkas_own_test(text: str, expected: int) -> None:
    """`org.apache.kafka.common.utils.UtilsTest.testMurmur2`."""
    data = text.encode()
    assert int(murmur2(array(data), 0, len(data))) == expected & _32_BITS
    assert java_murmur2(data) == expected


@given(st.binary(max_size=80), st.binary(max_size=5))
def test_murmur2_is_javas(data: bytes, before: bytes) -> None:
    found = int(murmur2(array(before + data), len(before), len(data)))
    assert found == java_murmur2(data) & _32_BITS


@given(wire_names())
def test_the_kernel_writes_the_presentation_form_in_lower_case(wire: bytes) -> None:
    assert kernel_presentation(wire) == presentation(wire).lower()


def test_the_longest_presentation_form_has_room() -> None:
    wire = (b"\x3f" + b"\0" * 63) * 3 + b"\x3d" + b"\xff" * 61
    assert len(wire) == 254
    assert kernel_presentation(wire) == presentation(wire)


@given(st.binary(max_size=255))
def test_any_bytes_are_written_within_the_limit(data: bytes) -> None:
    assert len(kernel_presentation(data)) <= PRESENTATION_LIMIT_BYTES


@given(wire_names(), st.integers(1, 64))
def test_the_partition_is_that_of_kafkas_default_partitioner(wire: bytes, partitions: int) -> None:
    key = presentation(wire).lower().encode()
    assert kernel_partition(wire, partitions) == (java_murmur2(key) & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize(
    ("name", "partition"), [("foobar", 6), ("FooBar", 6), ("abc", 3), ("21", 0)]
)
def test_partitions_among_twelve(name: str, partition: int) -> None:
    assert kernel_partition(wire_name(name), 12) == partition


def test_a_secret_key_is_two_little_endian_words() -> None:
    key = SecretKey.from_bytes(bytes(range(16)))
    assert (int(key.key0), int(key.key1)) == (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    assert isinstance(key.key0, np.uint64)
    assert isinstance(key.key1, np.uint64)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_secret_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ConfigError, match=f"has 16 bytes.*{length}"):
        SecretKey.from_bytes(bytes(length))


def test_a_derived_key_depends_on_the_data_and_on_nothing_else() -> None:
    digest = hashlib.blake2b(b"data", digest_size=16, person=b"geophone-replay").digest()
    assert SecretKey.derived_from(b"data") == SecretKey.from_bytes(digest)
    assert SecretKey.derived_from(b"data") != SecretKey.derived_from(b"date")


def test_a_key_id_tells_keys_apart_and_keeps_them_secret() -> None:
    key = SecretKey.from_bytes(b"0123456789abcdef")
    assert key.key_id == hashlib.blake2b(b"0123456789abcdef").hexdigest()[:8]
    assert key.key_id != SecretKey.from_bytes(b"0123456789abcdeg").key_id
    assert repr(key) == "SecretKey()"
