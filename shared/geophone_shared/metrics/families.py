"""How a metric is declared [core].

A family is declared once, as a constant of a service's `metrics` module, with every value that its
labels can take. So no domain, address or error text can become a label: an undeclared value is an
error, and the number of time series is known before the first packet.
"""

from dataclasses import dataclass

LATENCY_BUCKETS_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Label:
    """A label and its values.

    Attributes:
        name: as Prometheus sees it.
        values: all that there are; None where they are only known when the process starts, such
            as the partitions of a topic.
    """

    name: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its labels.

    Attributes:
        name: with its unit; `_total` at the end of a counter's.
        help: what it tells, one sentence.
        labels: every combination of their values is a series.
    """

    name: str
    help: str
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Counter(Family):
    """What only grows."""


@dataclass(frozen=True, slots=True)
class Gauge(Family):
    """What goes up and down.

    With a label whose values are only known at the start it has no series until it is set: what
    another process has (a partition, a stage) isn't at 0 here.
    """


@dataclass(frozen=True, slots=True)
class Histogram(Family):
    """How often a value was how large.

    Attributes:
        buckets: their upper bounds, in the metric's unit.
    """

    buckets: tuple[float, ...] = LATENCY_BUCKETS_SECONDS
