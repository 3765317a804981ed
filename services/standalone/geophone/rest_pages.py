"""What REST answers, as pages for a person.

An answer comes from whoever is asked, so that it is read as strictly as a record of the log.
"""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from geophone.page import alert_part, escaped, page, section, standard_output, table_part
from geophone.page import usable_width as usable
from geophone.top_table import top_table
from geophone_alerter import wording
from geophone_shared.alerts import from_json, to_json
from geophone_shared.errors import InvalidRecordError
from geophone_shared.json_fields import JsonFields
from geophone_shared.summaries import summary_from_json, summary_to_json
from geophone_shared.timestamps import rfc3339

_INDENT = 2


def top_page(answer: object) -> str:
    """The answer of `/api/v1/domains/top`.

    Raises:
        InvalidRecordError: it is something else.
    """
    try:
        fields = JsonFields(answer)
        window = fields.one_of("window", ("10m", "4h", "24h"))
        as_of_us = fields.optional_time_us("as_of")
        domains = [
            summary_to_json(summary_from_json(domain), domain.integer("rank"))
            for domain in fields.nested_list("domains")
        ]
    except InvalidRecordError as error:
        raise _not_ours(error) from error
    if as_of_us is None or not domains:
        return _page(escaped("No domain was seen yet."))
    as_of = wording.timestamp(rfc3339(as_of_us))
    title = f"Top domains by different hostnames in any {window}, as of {as_of}"
    width, _ = standard_output()
    shown = top_table({"top_domains": domains, "alerts": []}, usable(width) - _INDENT)
    return _page(section(title, table_part(shown)))


def alerts_page(answer: object, state: str) -> str:
    """The answer of `/api/v1/alerts`.

    Args:
        answer: what came.
        state: which alerts were asked for.

    Raises:
        InvalidRecordError: it is something else.
    """
    try:
        fields = JsonFields(answer)
        alerts = [to_json(from_json(alert)) for alert in _objects(answer, "alerts")]
        has_more = fields.optional_text("next") is not None
    except InvalidRecordError as error:
        raise _not_ours(error) from error
    which = "" if state == "all" else f"{state} "
    if not alerts:
        return _page(escaped(f"There are no {which}alerts."))
    parts: list[RenderableType] = []
    for alert in alerts:
        parts += [Text(), alert_part(alert)]
    if has_more:
        parts += [Text(), escaped("There are more: --limit shows more of them.")]
    return _page(section(f"The newest {which}alerts", *parts[1:]))


def _objects(answer: object, name: str) -> list[Mapping[str, Any]]:
    JsonFields(answer).nested_list(name)  # checks that they are
    return answer[name] if isinstance(answer, dict) else []


def _page(*sections: RenderableType) -> str:
    width, has_reader = standard_output()
    return page(sections, width=width, has_reader=has_reader)


def _not_ours(error: InvalidRecordError) -> InvalidRecordError:
    return InvalidRecordError(
        f"the answer isn't what this version of Geophone understands ({error})"
    )
