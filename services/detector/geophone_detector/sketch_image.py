"""HyperLogLog registers as a DataSketches image: estimate, bounds, union, export [core].

The only module that imports datasketches. The registers that a window's names left are written as
an HLL_8 image, the format of Apache DataSketches' `hll_sketch` (`HllArray::serialize`), and read
back by it: its estimator and its error tables are used as they are. The image says that its values
came out of order, so that is the composite estimator, whose standard error is 1.6 % here.

An image from outside is taken only if it is byte for byte what `image` writes for the registers in
it: datasketches believes the header, and some that are made up abort the process (5.2.0).
"""

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from datasketches import hll_sketch, hll_union, tgt_hll_type

from geophone_detector.kernels.sketches import LG_K, RANKS, REGISTERS
from geophone_shared.jit import Array
from geophone_shared.record_reasons import invalid_record

BOUND_SIGMAS = 2
"""The bounds hold the true count in 95.4 % of cases."""

_HEADER = struct.Struct("<8B3dII")
IMAGE_BYTES = _HEADER.size + REGISTERS

_PREAMBLE_INTS = 10
_SERIAL_VERSION = 1
_FAMILY_HLL = 7
_NO_EXCEPTIONS = 0
_COMPACT = 8
_OUT_OF_ORDER = 16
_LEAST_REGISTER = 0
_MODE_HLL_OF_8_BITS = 2 | 2 << 2
_INVERSE_POWERS = np.ldexp(1.0, -np.arange(RANKS + 1))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A count with its bounds: `lower` ≤ true count ≤ `upper`, but for 1 in 20."""

    value: int
    lower: int
    upper: int


def image(registers: Array) -> bytes:
    """The HLL_8 image, `IMAGE_BYTES` long, of registers: uint8[REGISTERS], at most `RANKS` each."""
    ranks = np.bincount(registers, minlength=RANKS + 1)
    header = _HEADER.pack(
        _PREAMBLE_INTS,
        _SERIAL_VERSION,
        _FAMILY_HLL,
        LG_K,
        _NO_EXCEPTIONS,
        _COMPACT | _OUT_OF_ORDER,
        _LEAST_REGISTER,
        _MODE_HLL_OF_8_BITS,
        0.0,  # the estimate of values that came in order
        float(ranks @ _INVERSE_POWERS),
        0.0,  # the same sum over registers from 32 on
        int(ranks[0]),
        0,  # exceptions, again
    )
    return header + registers.tobytes()


def estimate(registers: Array) -> Estimate:
    """How many distinct names left these registers: uint8[REGISTERS], at most `RANKS` each."""
    return _estimate(hll_sketch.deserialize(image(registers)))


def image_estimate(data: bytes) -> Estimate:
    """How many distinct names an image stands for.

    Raises:
        InvalidRecordError: `sketch_image`: not an image that `image` wrote.
    """
    return _estimate(_sketch_from(data))


def union_image(images: Iterable[bytes]) -> bytes:
    """The image of the names that are in any of the images: an empty one for none.

    Raises:
        InvalidRecordError: `sketch_image`: one of them is none that `image` wrote.
    """
    union = hll_union(LG_K)
    for each in images:
        union.update(_sketch_from(each))
    if union.is_empty():
        return image(np.zeros(REGISTERS, np.uint8))
    merged = union.get_result(tgt_hll_type.HLL_8).serialize_compact()
    return image(np.frombuffer(merged, np.uint8, REGISTERS, _HEADER.size))


def _sketch_from(data: bytes) -> hll_sketch:
    if len(data) != IMAGE_BYTES:
        raise invalid_record("sketch_image")
    registers = np.frombuffer(data, np.uint8, REGISTERS, _HEADER.size)
    if registers.max() > RANKS or image(registers) != data:
        raise invalid_record("sketch_image")
    return hll_sketch.deserialize(data)


def _estimate(sketch: hll_sketch) -> Estimate:
    return Estimate(
        value=round(sketch.get_estimate()),
        lower=math.floor(sketch.get_lower_bound(BOUND_SIGMAS)),
        upper=math.ceil(sketch.get_upper_bound(BOUND_SIGMAS)),
    )
