from typing import get_args

from geophone_shared.errors import InvalidRecordError
from geophone_shared.record_reasons import RecordReason, invalid_record
from tests.support.outside import PROJECT


def test_the_documentation_explains_every_reason() -> None:
    text = (PROJECT / "docs" / "records.md").read_text()
    table = text.split("| reason | what was wrong |")[1].split("\n\n")[0]
    names = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(names) == sorted(get_args(RecordReason))


def test_the_message_is_the_reason_alone() -> None:
    error = invalid_record("row_name")
    assert isinstance(error, InvalidRecordError)
    assert str(error) == "row_name"
