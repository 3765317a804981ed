"""Bringing the declared topics onto a log: `geophone topics create` and `verify` [core].

Nothing that exists is ever changed: Kafka's request to alter a topic resets every setting that it
doesn't name, and who made the topic may have had reasons.
"""

from collections.abc import Sequence

from geophone_shared.bus.contract import Bus
from geophone_shared.bus.topics import Topic, differences


async def verify_topics(bus: Bus, declared: Sequence[Topic]) -> list[str]:
    """What must change about the topics, a sentence each that says how; none if all is well."""
    found = await bus.describe_topics([topic.name for topic in declared])
    return differences(declared, found)


async def create_topics(bus: Bus, declared: Sequence[Topic], *, is_dry_run: bool) -> list[str]:
    """Create the topics that don't exist; one sentence for each.

    Args:
        bus: The log.
        declared: The topics that should be.
        is_dry_run: Only say what would be done.

    Raises:
        ConfigError: the log refuses one.
        TransientError: the log doesn't answer.
    """
    found = await bus.describe_topics([topic.name for topic in declared])
    missing = [topic for topic in declared if topic.name not in found]
    if missing and not is_dry_run:
        await bus.create_topics(missing)
    verb = "would create" if is_dry_run else "created"
    return [
        f"{verb} {topic.name}: {topic.partitions} partition{'s' if topic.partitions > 1 else ''}, "
        f"kept for {_duration(topic.retention_seconds)}"
        for topic in missing
    ]


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "ever"
    days, rest = divmod(seconds, 86_400)
    return f"{days} d" if rest == 0 else f"{seconds / 3600:g} h"
