"""The busiest domains of a partition, and their record on `dns.top-domains` [core].

A domain is in one partition, and is there once with all windows. So the lists of all partitions,
merged, are exact as far down as each of them reaches (docs/records.md).
"""

from collections import Counter
from dataclasses import dataclass, replace

from geophone_shared.drops import Drops
from geophone_shared.json_fields import JsonFields
from geophone_shared.record_reasons import invalid_record
from geophone_shared.summaries import (
    DomainSummary,
    WindowCounts,
    summary_from_json,
    summary_to_json,
)
from geophone_shared.timestamps import rfc3339
from geophone_shared.zstd_json import compressed_json, compressed_object

TOP_LIST_SCHEMA_MAJOR = 1
MOST_TOP_LIST_BYTES = 512 * 1024
"""A record has to be smaller."""
MOST_RAW_BYTES = 8 * 1024 * 1024
"""A reader decompresses no more than this."""


@dataclass(frozen=True, slots=True)
class ListedDomain:
    """A domain of a list.

    Attributes:
        summary: the domain in its longest window; totals and evidence are the same in each.
        windows: those that hold a name of it, the shortest first.
    """

    summary: DomainSummary
    windows: tuple[WindowCounts, ...]

    @property
    def name(self) -> str:
        """The registered domain."""
        return self.summary.registered_domain

    def in_window(self, counts: WindowCounts) -> DomainSummary:
        """The domain in one of its windows."""
        return replace(self.summary, **counts._asdict())


@dataclass(frozen=True, slots=True, kw_only=True)
class TopList:
    """The busiest domains of a partition.

    Attributes:
        partition: its number.
        as_of_us: the partition's clock, µs of packet time since the epoch.
        position: the offset at which its input goes on.
        drops: what its detector has lost of it; None where the record doesn't say.
        windows: lengths in seconds.
        domains: the busiest of each window, with all windows each.
    """

    partition: int
    as_of_us: int
    position: int
    windows: tuple[int, ...]
    domains: tuple[ListedDomain, ...]
    drops: Drops | None = None


def encode_top_list(top: TopList) -> bytes:
    """The value of the record: one zstd frame of JSON."""
    drops = top.drops
    return compressed_json(
        {
            "schema": f"geophone.top-domains/{TOP_LIST_SCHEMA_MAJOR}",
            "partition": top.partition,
            "as_of": rfc3339(top.as_of_us),
            "position": top.position,
            "drops": None if drops is None else dict(drops.counts),
            "since": None if drops is None else rfc3339(drops.since_us),
            "windows": top.windows,
            "domains": [_domain_to_json(domain) for domain in top.domains],
        }
    )


def decode_top_list(data: bytes) -> TopList:
    """The list in a record's value; fields that aren't known are ignored.

    Raises:
        InvalidRecordError: `zstd_frame`, `too_large`, `json`, `schema`, `newer_schema`,
            `missing_field`, or `ill_typed_field`, which a domain or window that comes twice is too.
    """
    fields = compressed_object(data, MOST_RAW_BYTES)
    fields.check_schema("geophone.top-domains", TOP_LIST_SCHEMA_MAJOR)
    windows = fields.integers("windows")
    domains = tuple(
        _domain_from(domain, in_windows)
        for domain in fields.nested_list("domains")
        if (in_windows := domain.nested_list("windows"))
    )
    if len({domain.name for domain in domains}) < len(domains):
        raise invalid_record("ill_typed_field")
    for domain in domains:
        own = {counts.window_seconds for counts in domain.windows}
        if len(own) < len(domain.windows) or not own.issubset(windows):
            raise invalid_record("ill_typed_field")
    return TopList(
        partition=fields.integer("partition"),
        as_of_us=fields.time_us("as_of"),
        position=fields.integer("position"),
        drops=_drops_from(fields),
        windows=windows,
        domains=domains,
    )


def _drops_from(fields: JsonFields) -> Drops | None:
    """What was lost; a record of an earlier version doesn't say."""
    if not fields.has("drops") or not fields.has("since"):
        return None
    return Drops(fields.time_us("since"), Counter(fields.counts("drops")))


def _domain_to_json(domain: ListedDomain) -> dict[str, object]:
    """The fields of a summary, those of the windows apart."""
    fields = summary_to_json(domain.summary)
    for name in WindowCounts._fields:
        del fields[name]
    fields["windows"] = [counts._asdict() for counts in domain.windows]
    return fields


def _domain_from(domain: JsonFields, windows: list[JsonFields]) -> ListedDomain:
    return ListedDomain(
        summary_from_json(domain.joined(windows[-1])),
        tuple(
            WindowCounts(
                window_seconds=window.integer("window_seconds"),
                unique_hostnames=window.integer("unique_hostnames"),
                unique_hostnames_lower=window.integer("unique_hostnames_lower"),
                unique_hostnames_upper=window.integer("unique_hostnames_upper"),
                exact=window.boolean("exact"),
                information_bytes=window.integer("information_bytes"),
            )
            for window in windows
        ),
    )
