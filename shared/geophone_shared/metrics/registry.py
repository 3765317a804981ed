"""The metrics of a process, as Prometheus reads them. The one module that imports its client."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import prometheus_client
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from geophone_shared import __version__
from geophone_shared.metrics.common import BUILD_INFO
from geophone_shared.metrics.families import Counter, Family, Gauge, Histogram

CONTENT_TYPE = CONTENT_TYPE_LATEST

_Series = tuple[str, ...]
"""A family's name and the values of its labels, in their order."""

_MOST_CHARACTERS = 40


class Metrics:
    """The series of some families, and those of the process (`process_…`).

    Every method but the constructor may be called by any thread. Those that change a series raise
    `ValueError` where its family or the value of a label isn't declared.

    Args:
        families: what is measured; one that several services declare may be there several times.
        values: for the labels whose values are only known now.

    Raises:
        ValueError: a label has no values.
    """

    def __init__(
        self, families: Iterable[Family], values: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._values = {"version": (__version__,), **(values or {})}
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        # When each series began: twice as many of them, and nobody asks.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
        self._collectors: dict[str, Any] = {}
        self._series: dict[_Series, Any] = {}
        self._declared: set[_Series] = set()
        for family in dict.fromkeys(families):
            self._register(family)
        if BUILD_INFO.name in self._collectors:
            self.set(BUILD_INFO, 1, version=__version__)

    def add(self, counter: Counter, amount: float = 1, **labels: str) -> None:
        """Count `amount` more, which isn't negative."""
        self._child(counter, labels).inc(amount)

    def set(self, gauge: Gauge, value: float, **labels: str) -> None:
        """Note that it is `value` now."""
        self._child(gauge, labels).set(value)

    def observe(self, histogram: Histogram, value: float, **labels: str) -> None:
        """Note that a value occurred."""
        self._child(histogram, labels).observe(value)

    def forget(self, gauge: Gauge, **labels: str) -> None:
        """End a series until it is set again: what it is of is no longer here."""
        series = self._declared_series(gauge, labels)
        if self._series.pop(series, None) is not None:
            self._collectors[gauge.name].remove(*series[1:])

    def text(self) -> bytes:
        """All series in Prometheus' text format, of `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def _register(self, family: Family) -> None:
        names = [label.name for label in family.labels]
        options: dict[str, Any] = {"registry": self._registry, "labelnames": names}
        kind: Any
        match family:
            case Counter():
                kind = prometheus_client.Counter
            case Gauge():
                kind = prometheus_client.Gauge
            case Histogram():
                kind = prometheus_client.Histogram
                options["buckets"] = family.buckets
            case _:
                raise ValueError(f"{family.name} is of no kind")
        self._collectors[family.name] = kind(family.name, family.help, **options)
        is_closed = all(label.values is not None for label in family.labels)
        for series in self._all_series(family):
            self._declared.add(series)
            if is_closed or not isinstance(family, Gauge):
                self._create(series)

    def _all_series(self, family: Family) -> Iterator[_Series]:
        values = []
        for label in family.labels:
            known = label.values if label.values is not None else self._values.get(label.name)
            if known is None:
                raise ValueError(f"the label {label.name} of {family.name} has no values")
            values.append(known)
        for combination in product(*values):
            yield (family.name, *combination)

    def _create(self, series: _Series) -> Any:
        name, *values = series
        collector = self._collectors[name]
        self._series[series] = collector.labels(*values) if values else collector
        return self._series[series]

    def _child(self, family: Family, labels: Mapping[str, str]) -> Any:
        series = self._declared_series(family, labels)
        child = self._series.get(series)
        return self._create(series) if child is None else child

    def _declared_series(self, family: Family, labels: Mapping[str, str]) -> _Series:
        names = [label.name for label in family.labels]
        series = (family.name, *(labels.get(name, "") for name in names))
        if labels.keys() != set(names) or series not in self._declared:
            shown = {name: value[:_MOST_CHARACTERS] for name, value in labels.items()}
            raise ValueError(f"{family.name} isn't declared with the labels {shown!a}")
        return series
