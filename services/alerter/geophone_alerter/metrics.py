"""What the alerter measures [core]."""

from geophone_shared.alerts import STATES
from geophone_shared.metrics import common
from geophone_shared.metrics.families import Counter, Family, Gauge, Histogram, Label

CHANNELS = ("log", "email")
RANKS = tuple(str(rank) for rank in range(1, 11))

_CHANNEL = Label("channel", CHANNELS)

ALERTS = Counter(
    "geophone_alerter_alerts_total", "Alerts read, by state.", (Label("state", STATES),)
)
REPEATED_ALERTS = Counter(
    "geophone_alerter_repeated_alerts_total", "Alerts that came again and were skipped."
)
ACTING = Gauge(
    "geophone_alerter_acting", "1 while this alerter tells people, 0 while it stands by."
)
LAG_RECORDS = Gauge(
    "geophone_alerter_lag_records",
    "Alerts that are on the log and not dealt with yet; 0 while it stands by.",
)
NOTIFICATIONS = Counter(
    "geophone_alerter_notifications_total",
    "Attempts to tell someone, by what came of them: accepted, to be tried again, or refused for"
    " good.",
    (_CHANNEL, Label("result", ("accepted", "temporary", "permanent"))),
)
THROTTLED = Counter(
    "geophone_alerter_throttled_total",
    "Alerts that nobody was told of on their own, because people knew of the domain.",
)
DIGESTED = Counter(
    "geophone_alerter_digested_total",
    "Alerts that were told of in a digest, because there were too many.",
)
OVERFLOWED = Counter(
    "geophone_alerter_overflowed_total",
    "Alerts that found no room to wait; the next digest says how many.",
    (_CHANNEL,),
)
WAITING = Gauge("geophone_alerter_waiting", "Domains that wait to be told of.", (_CHANNEL,))
NOTIFICATION_LATENCY_SECONDS = Histogram(
    "geophone_alerter_notification_latency_seconds",
    "From when the crossing transaction completed, packet time, until someone was told.",
    (_CHANNEL,),
)
TOP_DOMAIN_UNIQUE_HOSTNAMES = Gauge(
    "geophone_top_domain_unique_hostnames",
    "Hostnames of the busiest domains in 4 h; REST tells which they are.",
    (Label("rank", RANKS),),
)

FAMILIES: tuple[Family, ...] = (
    *common.FAMILIES,
    ALERTS,
    REPEATED_ALERTS,
    ACTING,
    LAG_RECORDS,
    NOTIFICATIONS,
    THROTTLED,
    DIGESTED,
    OVERFLOWED,
    WAITING,
    NOTIFICATION_LATENCY_SECONDS,
    TOP_DOMAIN_UNIQUE_HOSTNAMES,
)
