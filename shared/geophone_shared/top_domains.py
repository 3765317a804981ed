"""The busiest domains of a partition, and their record on `dns.top-domains` [core].

A domain is in one partition, and is there once with all windows. So the lists of all partitions,
merged, are exact as far down as each of them reaches (docs/records.md).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from geophone_shared.drops import Drops
from geophone_shared.json_fields import JsonFields
from geophone_shared.record_reasons import invalid_record
from geophone_shared.summaries import DomainSummary, summary_from_json, summary_to_json
from geophone_shared.timestamps import rfc3339
from geophone_shared.zstd_json import compressed_json, compressed_object

TOP_LIST_SCHEMA_MAJOR = 1
MOST_TOP_LIST_BYTES = 512 * 1024
"""A record has to be smaller."""
MOST_RAW_BYTES = 8 * 1024 * 1024
"""A reader decompresses no more than this."""

_OF_A_WINDOW = (
    "window_seconds",
    "unique_hostnames",
    "unique_hostnames_lower",
    "unique_hostnames_upper",
    "exact",
    "information_bytes",
)
"""What a domain has for each window; the rest is the same in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopList:
    """The busiest domains of a partition.

    Attributes:
        partition: its number.
        as_of_us: the partition's clock, µs of packet time since the epoch.
        position: the offset at which its input goes on.
        drops: what its detector has lost of it; None where the record doesn't say.
        windows: by the window's length in seconds, what lives in it now: the domains with the most
            hostnames first, equal ones by name. Totals and evidence of a domain are the same in
            each.
    """

    partition: int
    as_of_us: int
    position: int
    windows: Mapping[int, tuple[DomainSummary, ...]]
    drops: Drops | None = None


def rank(summary: DomainSummary) -> tuple[int, str]:
    """What a list is sorted by."""
    return -summary.unique_hostnames, summary.registered_domain


def encode_top_list(top: TopList) -> bytes:
    """The value of the record: one zstd frame of JSON."""
    by_domain: dict[str, list[DomainSummary]] = {}
    for summaries in top.windows.values():
        for summary in summaries:
            by_domain.setdefault(summary.registered_domain, []).append(summary)
    drops = top.drops
    return compressed_json(
        {
            "schema": f"geophone.top-domains/{TOP_LIST_SCHEMA_MAJOR}",
            "partition": top.partition,
            "as_of": rfc3339(top.as_of_us),
            "position": top.position,
            "drops": None if drops is None else dict(drops.counts),
            "since": None if drops is None else rfc3339(drops.since_us),
            "windows": list(top.windows),
            "domains": [_domain_to_json(summaries) for summaries in by_domain.values()],
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
    found: dict[int, dict[str, DomainSummary]] = {
        window_seconds: {} for window_seconds in fields.integers("windows")
    }
    for domain in fields.nested_list("domains"):
        for summary in _summaries_from(domain):
            of_window = found.get(summary.window_seconds)
            if of_window is None or summary.registered_domain in of_window:
                raise invalid_record("ill_typed_field")
            of_window[summary.registered_domain] = summary
    return TopList(
        partition=fields.integer("partition"),
        as_of_us=fields.time_us("as_of"),
        position=fields.integer("position"),
        drops=_drops_from(fields),
        windows={
            window_seconds: tuple(sorted(summaries.values(), key=rank))
            for window_seconds, summaries in found.items()
        },
    )


def _drops_from(fields: JsonFields) -> Drops | None:
    """What was lost; a record of an earlier version doesn't say."""
    if not fields.has("drops") or not fields.has("since"):
        return None
    return Drops(fields.time_us("since"), Counter(fields.counts("drops")))


def _domain_to_json(summaries: list[DomainSummary]) -> dict[str, object]:
    """The object of a domain, from what it is in each window."""
    each = [summary_to_json(summary) for summary in summaries]
    shared = {name: value for name, value in each[0].items() if name not in _OF_A_WINDOW}
    windows = [{name: fields[name] for name in _OF_A_WINDOW} for fields in each]
    return shared | {"windows": windows}


def _summaries_from(domain: JsonFields) -> Iterator[DomainSummary]:
    windows = domain.nested_list("windows")
    if not windows:
        return
    first = summary_from_json(domain.joined(windows[0]))
    yield first
    for window in windows[1:]:
        yield replace(
            first,
            window_seconds=window.integer("window_seconds"),
            unique_hostnames=window.integer("unique_hostnames"),
            unique_hostnames_lower=window.integer("unique_hostnames_lower"),
            unique_hostnames_upper=window.integer("unique_hostnames_upper"),
            exact=window.boolean("exact"),
            information_bytes=window.integer("information_bytes"),
        )
