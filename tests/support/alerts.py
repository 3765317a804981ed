"""Any alert and any summary, for property tests."""

from hypothesis import strategies as st

from geophone_shared.alerts import SEVERITIES, STATES, Alert
from geophone_shared.json_fields import LARGEST_NUMBER
from geophone_shared.summaries import ClientQueries, DomainSummary
from geophone_shared.timestamps import LATEST_TIME_US

_numbers = st.integers(0, LARGEST_NUMBER)
_times = st.integers(0, LATEST_TIME_US)
_printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
_counts = st.dictionaries(_printable, _numbers, max_size=5)

summaries = st.builds(
    DomainSummary,
    registered_domain=_printable,
    window_seconds=_numbers,
    unique_hostnames=_numbers,
    unique_hostnames_lower=_numbers,
    unique_hostnames_upper=_numbers,
    exact=st.booleans(),
    information_bytes=_numbers,
    queries=_numbers,
    unanswered=_numbers,
    bytes_in=_numbers,
    bytes_out=_numbers,
    clients=_numbers,
    clients_exact=st.booleans(),
    top_clients=st.lists(st.builds(ClientQueries, _printable, _numbers), max_size=3).map(tuple),
    query_types=_counts,
    response_codes=_counts,
    first_seen_us=_times,
    last_seen_us=_times,
    sample_names=st.lists(_printable, max_size=8).map(tuple),
    allowed=st.booleans(),
    evidence_since_us=st.none() | _times,
)

alerts = st.builds(
    Alert,
    id=_printable,
    state=st.sampled_from(STATES),
    rule=_printable,
    severity=st.sampled_from(SEVERITIES),
    registered_domain=_printable,
    opened_at_us=_times,
    updated_at_us=_times,
    recovered_at_us=st.none() | _times,
    window_seconds=_numbers,
    measure=_printable,
    value=_numbers,
    threshold=_numbers,
    allowed=st.booleans(),
    evidence=summaries,
)
