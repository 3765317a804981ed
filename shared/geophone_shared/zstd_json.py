"""JSON in one zstd frame: records that repeat themselves [core]."""

import json

import zstandard

from geophone_shared.json_fields import JsonFields, parse_object
from geophone_shared.record_reasons import invalid_record

_MAGIC = b"\x28\xb5\x2f\xfd"
_LEVEL = 3
# A third faster: nothing that goes into a record holds itself.
_ENCODER = json.JSONEncoder(check_circular=False, separators=(",", ":"))


def compressed_json(value: object) -> bytes:
    """One zstd frame, with its content's size in front and a checksum behind."""
    text = _ENCODER.encode(value).encode("ascii")
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(text)


def compressed_object(data: bytes, most_bytes: int) -> JsonFields:
    """The JSON object in a zstd frame.

    Args:
        data: the frame.
        most_bytes: what it may declare to hold; more isn't decompressed.

    Raises:
        InvalidRecordError: `zstd_frame`, `too_large`, or `json`.
    """
    try:
        frame = zstandard.get_frame_parameters(data)
        # A skippable frame has a header that zstd reads, too, but no content.
        if not data.startswith(_MAGIC) or frame.content_size == zstandard.CONTENTSIZE_UNKNOWN:
            raise invalid_record("zstd_frame")
        if frame.content_size > most_bytes:
            raise invalid_record("too_large")
        text = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise invalid_record("zstd_frame") from error
    return parse_object(text, most_bytes)
