"""REST: its answers, its errors, who may ask."""

import csv
import io
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest

from geophone_alerter.api.documents import (
    AlertsDocument,
    Document,
    DomainDocument,
    OneAlertDocument,
    ProblemDocument,
    StatusDocument,
    TopDocument,
    VersionDocument,
)
from geophone_alerter.status import StageStatus
from geophone_shared import __version__
from geophone_shared.alerts import to_json
from geophone_shared.summaries import DomainSummary, summary_to_json
from geophone_shared.timestamps import rfc3339
from geophone_shared.top_domains import TopList
from tests.support import top_lists
from tests.support.alert_events import NOW_US, OPENED_US, create_alert, create_notification
from tests.support.golden import ALERT
from tests.support.hostile_names import FORGED_TEXTS, HOSTILE_DOMAINS
from tests.support.rest import Rest

TOP = "/api/v1/domains/top"
ALERTS = "/api/v1/alerts"
TOKEN = "größer-als-geheim"  # noqa: S105 - of the tests alone


def summary(name: str, hostnames: int = 1, *, allowed: bool = False) -> DomainSummary:
    return replace(
        ALERT.evidence,
        registered_domain=name,
        unique_hostnames=hostnames,
        allowed=allowed,
        sample_names=(f"=x.{name}"[:1_000],),
    )


def top_list(*domains: DomainSummary, partition: int = 0, as_of_us: int = NOW_US) -> TopList:
    return top_lists.top_list(partition, as_of_us, {14_400: domains, 600: domains[:1]})


@pytest.fixture
def rest() -> Rest:
    return Rest()


async def test_before_anything_was_published_lists_are_empty(rest: Rest) -> None:
    async with rest.client() as client:
        assert (await client.get(TOP)).json() == {"window": "4h", "as_of": None, "domains": []}
        assert (await client.get(ALERTS)).json() == {"alerts": [], "next": None}
        assert (await client.get("/version")).json() == {"version": __version__}


async def test_the_top_list_is_as_replay_prints_it(rest: Rest) -> None:
    rest.top.apply(top_list(summary("a.example", 3), summary("b.example", 5, allowed=True)))
    rest.top.apply(top_list(summary("c.example", 4), partition=1, as_of_us=NOW_US + 1))
    async with rest.client() as client:
        answer = await client.get(TOP)
        assert answer.json() == {
            "window": "4h",
            "as_of": rfc3339(NOW_US + 1),
            "domains": [
                summary_to_json(summary("b.example", 5, allowed=True), 1),
                summary_to_json(summary("c.example", 4), 2),
                summary_to_json(summary("a.example", 3), 3),
            ],
        }
        assert answer.headers["content-type"] == "application/json"
        query = {"window": "10m", "limit": "1", "exclude_allowed": "true"}
        shorter = (await client.get(TOP, params=query)).json()
        assert shorter["window"] == "10m"
        assert [each["registered_domain"] for each in shorter["domains"]] == ["c.example"]


async def test_a_body_is_made_once_for_as_long_as_it_holds(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    ranked = rest.top.ranked

    def counted(window_seconds: int, limit: int, *, exclude_allowed: bool) -> list[DomainSummary]:
        made.append(limit)
        return ranked(window_seconds, limit, exclude_allowed=exclude_allowed)

    monkeypatch.setattr(rest.top, "ranked", counted)
    rest.top.apply(top_list(summary("a.example")))
    async with rest.client() as client:
        first = await client.get(TOP)
        assert (await client.get(TOP, params={"limit": 10})).content == first.content
        assert made == [10]
        rest.top.apply(top_list(summary("b.example")))
        assert (await client.get(TOP)).content != first.content
        assert made == [10, 10]
        for limit in range(1, 101):
            await client.get(TOP, params={"limit": limit})
        await client.get(TOP, params={"limit": 1})
        assert made.count(1) == 2, "the bodies that are kept are bounded"


@pytest.mark.parametrize("path", [TOP, f"{TOP}?format=csv", ALERTS, f"{ALERTS}/{ALERT.id}"])
async def test_who_has_a_body_already_is_told_so(rest: Rest, path: str) -> None:
    rest.top.apply(top_list(summary("a.example")))
    rest.alerts.apply(ALERT, 0)
    async with rest.client() as client:
        tag = (await client.get(path)).headers["etag"]
        for wanted in (tag, f'"other", W/{tag}', "*"):
            answer = await client.get(path, headers={"if-none-match": wanted})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
        rest.top.apply(top_list(summary("b.example")))
        rest.alerts.apply(replace(ALERT, updated_at_us=NOW_US), 1)
        answer = await client.get(path, headers={"if-none-match": tag})
        assert answer.status_code == 200
        assert answer.headers["etag"] != tag


async def test_alerts_come_in_pages_newest_first(rest: Rest) -> None:
    alerts = [create_alert(f"{number}.example") for number in range(5)]
    for position, alert in enumerate(alerts):
        rest.alerts.apply(alert, position)
    recovered = create_alert("1.example", state="recovered", after_us=1)
    rest.alerts.apply(recovered, 9)
    async with rest.client() as client:
        first = (await client.get(ALERTS, params={"limit": 2, "state": "open"})).json()
        assert first["alerts"] == [to_json(alerts[4]), to_json(alerts[3])]
        query = {"limit": 2, "state": "open", "cursor": first["next"]}
        second = (await client.get(ALERTS, params=query)).json()
        assert second == {"alerts": [to_json(alerts[2]), to_json(alerts[0])], "next": None}
        found = (await client.get(ALERTS, params={"state": "recovered"})).json()
        assert found == {"alerts": [to_json(recovered)], "next": None}


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"{TOP}?limit=0", "limit"),
        (f"{TOP}?limit=1001", "limit"),
        (f"{TOP}?limit=x", "limit"),
        (f"{TOP}?window=5h", "window"),
        (f"{TOP}?exclude_allowed=perhaps", "exclude_allowed"),
        (f"{TOP}?format=xml", "format"),
        (f"{TOP}?windw=4h", "windw"),
        (f"{ALERTS}?state=closed", "state"),
        (f"{ALERTS}?limit=1001", "limit"),
        (f"{ALERTS}?cursor=-1", "cursor"),
        (f"{ALERTS}?cursor={'9' * 19}", "cursor"),
        (f"{ALERTS}?cursor=%D9%A1", "cursor"),
    ],
)
async def test_a_wrong_parameter_is_named(rest: Rest, path: str, parameter: str) -> None:
    async with rest.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    ProblemDocument.model_validate(answer.json())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/api/v1/domains/unknown.example", 404),
        ("GET", "/api/v1/domains/", 404),
        ("GET", f"{ALERTS}/", 404),
        ("GET", f"{TOP}/", 404),
        ("GET", f"{ALERTS}/unknown", 404),
        ("GET", f"{ALERTS}/..%2F..%2Fetc", 404),
        ("POST", TOP, 405),
        ("DELETE", ALERTS, 405),
    ],
)
async def test_every_other_error_is_a_problem_too(
    rest: Rest, method: str, path: str, status: int
) -> None:
    async with rest.client() as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    ProblemDocument.model_validate(answer.json())
    if status == 405:
        assert answer.headers["allow"] == "GET"


async def test_a_bug_is_a_problem_that_tells_nothing(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_alert_id: str) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(rest.alerts, "get", fail)
    async with rest.client() as client:
        answer = await client.get(f"{ALERTS}/x")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"],
)
@pytest.mark.parametrize("path", [TOP, ALERTS, "/api/v1/status", "/openapi.json", "/"])
async def test_without_the_token_nothing_is_told(rest: Rest, given: str, path: str) -> None:
    async with rest.client(TOKEN) as client:
        headers = {b"authorization": given.encode()}
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/version")).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_with_the_token_everything_is(rest: Rest, scheme: str) -> None:
    async with rest.client(TOKEN) as client:
        headers = {b"authorization": f"{scheme} {TOKEN}".encode()}
        assert (await client.get(ALERTS, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8053", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8053", 200),
        ("10.0.0.1", 200),
        ("rebound.example:8053", 421),
        ("localhost.rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
    ],
)
async def test_without_a_token_a_page_of_another_name_reads_nothing(
    rest: Rest, host: str, status: int
) -> None:
    async with rest.client() as client:
        assert (await client.get(ALERTS, headers={"host": host})).status_code == status
    async with rest.client(TOKEN) as client:
        headers = {b"host": host.encode(), b"authorization": f"Bearer {TOKEN}".encode()}
        assert (await client.get(ALERTS, headers=headers)).status_code == 200


async def test_a_domain_is_found_by_its_name_alone(rest: Rest) -> None:
    tunnel = summary("Tunnel.example", 3)
    rest.top.apply(top_list(tunnel, summary("top", 2), summary(".")))
    async with rest.client() as client:
        answer = await client.get("/api/v1/domains/tunnel.EXAMPLE.")
        assert answer.json() == {
            "registered_domain": "Tunnel.example",
            "as_of": rfc3339(NOW_US),
            "windows": {
                "10m": summary_to_json(replace(tunnel, window_seconds=600)),
                "4h": summary_to_json(tunnel),
            },
        }
        assert (await client.get("/api/v1/domains/top.")).json()["registered_domain"] == "top"
        unknown = await client.get("/api/v1/domains/tunnel")
        assert "busiest" in unknown.json()["detail"]


@pytest.mark.parametrize("name", HOSTILE_DOMAINS + FORGED_TEXTS)
async def test_a_hostile_name_harms_no_answer(rest: Rest, name: str) -> None:
    alert = create_alert(name)
    rest.alerts.apply(alert, 0)
    rest.told.apply(create_notification(alert))
    rest.top.apply(top_list(summary(name)))
    async with rest.client() as client:
        path = f"/api/v1/domains/{quote(name, safe='')}"
        answers = [
            await client.get(TOP),
            await client.get(ALERTS),
            await client.get(f"{ALERTS}/{alert.id}"),
        ]
        if name != ".":  # which clients take for this folder
            answers.append(await client.get(path))
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert answer.content.isascii()
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert name in texts(answer)
        table = await client.get(TOP, params={"format": "csv"})
        missing = await client.get(path + "x")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(table.text))
    for cell in row.values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["registered_domain"] in (name, f"'{name}")
    assert missing.status_code == 404
    assert missing.content.isascii()


def texts(answer: httpx.Response) -> set[str]:
    """All texts in an answer."""

    def walk(value: object) -> set[str]:
        if isinstance(value, dict):
            return {text for item in value.values() for text in walk(item)}
        if isinstance(value, list):
            return {text for item in value for text in walk(item)}
        return {value} if isinstance(value, str) else set()

    return walk(answer.json())


async def test_answers_are_as_they_are_described(rest: Rest) -> None:
    rest.alerts.apply(ALERT, 0)
    rest.told.apply(create_notification(ALERT))
    rest.top.apply(top_list(summary("a.example")))
    rest.stages |= {"alerter": StageStatus(position=1, watermark_us=OPENED_US, drops={"a": 1})}
    documents: dict[str, type[Document]] = {
        TOP: TopDocument,
        "/api/v1/domains/a.example": DomainDocument,
        ALERTS: AlertsDocument,
        f"{ALERTS}/{ALERT.id}": OneAlertDocument,
        "/api/v1/status": StatusDocument,
        "/version": VersionDocument,
    }
    async with rest.client() as client:
        described = (await client.get("/openapi.json")).json()
        for path, document in documents.items():
            document.model_validate((await client.get(path)).json())
    assert len(described["paths"]) == len(documents)
    for methods in described["paths"].values():
        assert "application/problem+json" in methods["get"]["responses"]["404"]["content"]
