"""The mail that only shows that mail arrives: an alert that nobody's traffic caused [core]."""

from geophone_alerter.incidents import incident_from
from geophone_alerter.parcels import HeldAlert, Notice, Parcel, event_key
from geophone_shared.alerts import Alert, alert_id
from geophone_shared.summaries import ClientQueries, DomainSummary

RULE = "test-email"
"""What the mail names as the rule that was crossed."""

_DOMAIN = "tunnel.example"
"""Reserved (RFC 2606 §2), as is the client's address (RFC 5737 §3)."""

_SECOND_US = 1_000_000


def sample_parcel(recipients: tuple[str, ...], now_us: int) -> Parcel:
    """A mail about an alert of the rule `test-email`, opened now."""
    evidence = DomainSummary(
        registered_domain=_DOMAIN,
        window_seconds=14_400,
        unique_hostnames=201,
        unique_hostnames_lower=201,
        unique_hostnames_upper=201,
        exact=True,
        information_bytes=6_432,
        queries=201,
        unanswered=0,
        bytes_in=14_070,
        bytes_out=31_155,
        clients=1,
        clients_exact=True,
        top_clients=(ClientQueries("192.0.2.30", 201),),
        query_types={"NULL": 201},
        response_codes={"NOERROR": 201},
        first_seen_us=max(now_us - 20 * _SECOND_US, 0),
        last_seen_us=now_us,
        sample_names=(f"this-is-a-test.{_DOMAIN}",),
        allowed=False,
    )
    alert = Alert(
        id=alert_id(RULE, _DOMAIN, now_us),
        state="opened",
        rule=RULE,
        severity="low",
        registered_domain=_DOMAIN,
        opened_at_us=now_us,
        updated_at_us=now_us,
        recovered_at_us=None,
        window_seconds=14_400,
        measure="unique_hostnames",
        value=201,
        threshold=200,
        allowed=False,
        evidence=evidence,
    )
    notice = Notice(incident_from(alert), (HeldAlert(alert, 0),), now_us)
    return Parcel((notice,), recipients, event_key(alert))
