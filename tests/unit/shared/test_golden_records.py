"""What earlier versions wrote is still read, field by field."""

import json

import pytest
import zstandard

from geophone_shared.alerts import ALERT_SCHEMA_MAJOR, decode_alert, from_json, to_json
from geophone_shared.batch import decode_batch
from geophone_shared.batch_schema import SCHEMA_MAJOR
from geophone_shared.notifications import (
    NOTIFICATION_SCHEMA_MAJOR,
    decode_notification,
    encode_notification,
)
from geophone_shared.top_domains import TOP_LIST_SCHEMA_MAJOR, decode_top_list
from tests.support.golden import (
    ALERT,
    FOLDER,
    NOTIFICATION,
    RESPONSES,
    TOP_LIST,
    golden_transactions,
    rows_as_json,
)
from tests.support.outside import PROJECT
from tests.support.rows import same_transactions

pytestmark = pytest.mark.kernels


def test_every_version_has_its_files() -> None:
    expected = {f"alert-{major}.json" for major in range(1, ALERT_SCHEMA_MAJOR + 1)}
    expected |= {f"notification-{major}.json" for major in range(1, NOTIFICATION_SCHEMA_MAJOR + 1)}
    expected |= {f"top-domains-{major}.bin" for major in range(1, TOP_LIST_SCHEMA_MAJOR + 1)}
    for major in range(1, SCHEMA_MAJOR + 1):
        expected |= {f"batch-{major}.bin", f"batch-{major}.json"}
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_batch_1() -> None:
    batch = decode_batch((FOLDER / "batch-1.bin").read_bytes())
    assert rows_as_json(batch) == json.loads((FOLDER / "batch-1.json").read_bytes())
    assert same_transactions(batch.transactions, golden_transactions())
    assert [batch.response(i) for i in range(4)] == RESPONSES


def test_alert_1() -> None:
    data = (FOLDER / "alert-1.json").read_bytes()
    assert decode_alert(data) == ALERT
    # As lists: the order of the fields is a part of the contract.
    assert json.dumps(json.loads(data)) == json.dumps(to_json(ALERT))


def test_notification_1() -> None:
    data = (FOLDER / "notification-1.json").read_bytes()
    assert decode_notification(data) == NOTIFICATION
    assert json.dumps(json.loads(data)) == json.dumps(json.loads(encode_notification(NOTIFICATION)))


def test_top_domains_1() -> None:
    assert decode_top_list((FOLDER / "top-domains-1.bin").read_bytes()) == TOP_LIST


def test_the_example_in_the_documentation_is_of_the_golden_list() -> None:
    text = (PROJECT / "docs" / "records.md").read_text()
    example = json.loads(text.split("```json\n")[3].split("```")[0])
    golden = json.loads(zstandard.decompress((FOLDER / "top-domains-1.bin").read_bytes()))
    assert json.dumps(example) == json.dumps(golden)


def test_the_example_in_the_documentation_is_the_golden_notification() -> None:
    text = (PROJECT / "docs" / "records.md").read_text()
    example = text.split("```json\n")[2].split("```")[0]
    assert json.dumps(json.loads(example)) == json.dumps(
        json.loads(encode_notification(NOTIFICATION))
    )


def test_the_example_in_the_documentation_is_the_golden_alert() -> None:
    text = (PROJECT / "docs" / "records.md").read_text()
    example = text.split("```json\n")[1].split("```")[0]
    assert from_json(json.loads(example)) == ALERT
    assert json.dumps(json.loads(example)) == json.dumps(to_json(ALERT))
    assert f"{ALERT.id}  -" in text
    assert f"\\000{ALERT.opened_at_us}'" in text
