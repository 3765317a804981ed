"""The schema and its documentation say the same, and which other schemas a reader takes."""

from typing import Any

import pyarrow as pa
import pytest

from geophone_shared.batch import decode_batch
from geophone_shared.batch_schema import SCHEMA, SCHEMA_WITH_RESPONSES, check_schema
from geophone_shared.transactions import ROW
from tests.support.batches import (
    batch_of,
    compress,
    good_columns,
    reason_of,
    reason_of_columns,
    stream_of,
)
from tests.support.outside import PROJECT

pytestmark = pytest.mark.kernels


def documented_columns() -> list[tuple[str, str, str]]:
    text = (PROJECT / "docs" / "records.md").read_text()
    table = text.split("| column | type | unit | meaning |")[1].split("\n\n")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| `")]
    return [(name.strip(" `"), kind.strip(), unit.strip()) for name, kind, unit in rows]


def test_the_documentation_has_every_column_with_type_and_unit() -> None:
    assert documented_columns() == [
        (
            field.name,
            str(field.type),
            (field.metadata or {}).get(b"unit", b"").decode(),
        )
        for field in SCHEMA_WITH_RESPONSES
    ]


def test_units_agree_with_the_names() -> None:
    for field in SCHEMA:
        metadata = field.metadata or {}
        assert field.name.endswith("_us") == (metadata.get(b"unit") == b"us")
        is_time = field.name in {"time_us", "completed_us"}
        assert metadata.get(b"epoch") == (b"unix" if is_time else None)


def test_only_the_response_may_be_null() -> None:
    nullable = [field.name for field in SCHEMA_WITH_RESPONSES if field.nullable]
    assert nullable == ["response"]


def test_every_field_of_a_row_has_its_column() -> None:
    for name in ROW.names or ():
        if name.startswith("name_"):
            assert SCHEMA.field("name").type == pa.binary()
        elif name.endswith(("_high", "_low")):
            side = name.rsplit("_", 1)[0]
            assert SCHEMA.field(f"{side}_address").type == pa.binary(16)
        else:
            assert SCHEMA.field(name).type == pa.from_numpy_dtype(ROW[name])


def test_our_own_schema_is_read_and_small() -> None:
    for schema in (SCHEMA, SCHEMA_WITH_RESPONSES):
        check_schema(schema)
        assert schema.serialize().size < 4_096


@pytest.mark.parametrize("nullable", [True, False])
def test_whether_a_field_says_nullable_does_not_matter(*, nullable: bool) -> None:
    fields = [field.with_nullable(nullable).remove_metadata() for field in SCHEMA]
    check_schema(pa.schema(fields, metadata=SCHEMA.metadata))


@pytest.mark.parametrize("name", SCHEMA.names)
def test_missing_column(name: str) -> None:
    columns = good_columns()
    del columns[name]
    assert reason_of_columns(columns) == "schema"


@pytest.mark.parametrize("name", SCHEMA.names)
def test_column_of_another_type(name: str) -> None:
    for other in (pa.int16(), pa.float64(), pa.string(), pa.binary(15), pa.large_binary()):
        columns = good_columns()
        columns[name] = pa.nulls(3, other)
        assert reason_of_columns(columns) == "schema"


@pytest.mark.parametrize("name", SCHEMA.names)
def test_null_in_a_column(name: str) -> None:
    columns = good_columns()
    columns[name] = pa.array([*columns[name].to_pylist()[:2], None], columns[name].type)
    assert reason_of_columns(columns) == "nulls"


def test_columns_in_another_order() -> None:
    columns = dict(reversed(good_columns().items()))
    batch = decode_batch(compress(stream_of(batch_of(columns))))
    assert list(batch.transactions.rows["transport"]) == [17, 17, 17]


def test_column_twice() -> None:
    batch = batch_of(good_columns())
    twice = batch.append_column("transport", batch.column("transport"))
    assert reason_of(compress(stream_of(twice))) == "schema"


def test_response_of_another_type() -> None:
    columns = good_columns() | {"response": pa.array(["a", "b", "c"])}
    assert reason_of_columns(columns) == "schema"


@pytest.mark.parametrize(
    "extra",
    [
        pa.array([1.5, None, 2.5]),
        pa.array(["später", "", None]),
        pa.array([b"\xff", b"", None]),
        pa.array([b"1234", None, b"5678"], pa.binary(4)),
        pa.array([True, None, False]),
        pa.array([1, 2, None], pa.timestamp("us", tz="UTC")),
    ],
    ids=lambda extra: str(extra.type),
)
def test_a_flat_column_of_a_later_version_is_ignored(extra: Any) -> None:
    columns = good_columns() | {"added_later": extra}
    assert len(decode_batch(compress(stream_of(batch_of(columns)))).transactions.rows) == 3


@pytest.mark.parametrize(
    "extra",
    [
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array([[1], [], None]),
        pa.array([{"a": 1}, None, {}]),
        pa.array(["a", "b", "c"], pa.string_view()),
        pa.array([b"1" * 16] * 3, pa.uuid()),
        pa.nulls(3),
    ],
    ids=lambda extra: str(extra.type),
)
def test_a_column_of_any_other_kind_is_refused(extra: Any) -> None:
    assert reason_of_columns(good_columns() | {"added_later": extra}) == "schema"


def test_dictionary_encoded_column() -> None:
    columns = good_columns()
    columns["name"] = columns["name"].dictionary_encode()
    assert reason_of_columns(columns) == "schema"


@pytest.mark.parametrize(
    ("major", "reason"),
    [
        ("2", "newer_schema"),
        ("999999999", "newer_schema"),
        ("0", "schema"),
        ("", "schema"),
        ("1.0", "schema"),
        ("-1", "schema"),
        ("\u0661", "schema"),
        ("9" * 5_000, "schema"),
    ],
)
def test_major_version(major: str, reason: str) -> None:
    batch = batch_of(good_columns(), {"geophone.schema": major})
    assert reason_of(compress(stream_of(batch))) == reason


def test_no_major_version() -> None:
    assert reason_of(compress(stream_of(batch_of(good_columns(), {})))) == "schema"
