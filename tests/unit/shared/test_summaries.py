from dataclasses import replace

from hypothesis import given

from geophone_shared.json_fields import JsonFields
from geophone_shared.summaries import DomainSummary, summary_from_json, summary_to_json
from tests.support.alerts import summaries
from tests.support.golden import ALERT

# The order of `top_domains` in the contract of `geophone replay --json`, then what came later.
CONTRACT = (
    "rank registered_domain window_seconds unique_hostnames unique_hostnames_lower"
    " unique_hostnames_upper exact information_bytes queries unanswered bytes_in bytes_out"
    " bytes_total clients top_clients query_types response_codes first_seen last_seen"
    " sample_names allowed clients_exact evidence_since"
)


@given(summaries)
def test_round_trip(summary: DomainSummary) -> None:
    assert summary_from_json(JsonFields(summary_to_json(summary))) == summary
    assert summary_from_json(JsonFields(summary_to_json(summary, rank=3))) == summary


def test_fields_of_the_contract_in_their_order() -> None:
    assert list(summary_to_json(ALERT.evidence, rank=1)) == CONTRACT.split()
    assert list(summary_to_json(ALERT.evidence)) == CONTRACT.split()[1:]


def test_bytes_total_is_the_sum() -> None:
    summary = replace(ALERT.evidence, bytes_in=16_812, bytes_out=35_212)
    assert summary_to_json(summary)["bytes_total"] == 52_024


def test_counts_have_the_largest_first_and_equal_ones_by_name() -> None:
    counts = {"TXT": 5, "AAAA": 9, "A": 5, "NULL": 10}
    summary = replace(ALERT.evidence, query_types=counts, response_codes=counts)
    for name in ("query_types", "response_codes"):
        ordered = summary_to_json(summary)[name]
        assert isinstance(ordered, dict)
        assert list(ordered.items()) == [("NULL", 10), ("AAAA", 9), ("A", 5), ("TXT", 5)]


def test_evidence_that_was_collected_late() -> None:
    summary = replace(ALERT.evidence, evidence_since_us=1_700_000_000_000_001)
    assert summary_to_json(summary)["evidence_since"] == "2023-11-14T22:13:20.000001Z"
