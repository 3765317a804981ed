import pytest

from geophone_shared.mnemonics import (
    opcode_name,
    query_class_name,
    query_type_name,
    response_code_name,
)


@pytest.mark.parametrize(
    ("query_type", "name"),
    [(1, "A"), (10, "NULL"), (16, "TXT"), (28, "AAAA"), (65, "HTTPS"), (255, "ANY")],
)
def test_types_with_a_mnemonic(query_type: int, name: str) -> None:
    assert query_type_name(query_type) == name


@pytest.mark.parametrize("query_type", [0, 65_399, 65_535])
def test_types_without_one(query_type: int) -> None:
    assert query_type_name(query_type) == f"TYPE{query_type}"


@pytest.mark.parametrize(
    ("response_code", "name"),
    [(0, "NOERROR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (16, "BADVERS")],
)
def test_codes_with_a_mnemonic(response_code: int, name: str) -> None:
    assert response_code_name(response_code) == name


@pytest.mark.parametrize("response_code", [12, 15, 4_095])
def test_codes_without_one(response_code: int) -> None:
    assert response_code_name(response_code) == f"RCODE{response_code}"


def test_every_type_and_code_has_a_name_of_its_own() -> None:
    assert len({query_type_name(number) for number in range(65_536)}) == 65_536
    assert len({response_code_name(number) for number in range(4_096)}) == 4_096


def test_classes_and_opcodes() -> None:
    assert [query_class_name(number) for number in (1, 3, 255, 65_280)] == [
        *("IN", "CH", "ANY", "CLASS65280")
    ]
    assert [opcode_name(number) for number in (0, 4, 5, 7)] == [
        *("QUERY", "NOTIFY", "UPDATE", "OPCODE7")
    ]
