"""Probes and metrics over real sockets."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from geophone_shared.errors import ConfigError
from geophone_shared.health import Condition, Health
from geophone_shared.listen_address import ListenAddress
from geophone_shared.metrics.families import Counter
from geophone_shared.metrics.registry import Metrics
from geophone_shared.ops_server import listen, ops_app, serving
from geophone_shared.timestamps import parse_rfc3339

EVENTS = Counter("events_total", "Events.")
ANYWHERE = ListenAddress("127.0.0.1", 0)


@pytest.fixture
def health() -> Health:
    return Health(
        [Condition("loop", "liveness", valid_seconds=60), Condition("log", "readiness")],
        time.monotonic(),
    )


@pytest.fixture
def metrics() -> Metrics:
    return Metrics([EVENTS])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listen(ANYWHERE, "--ops") as made:
        yield made


def client_of(listener: socket.socket) -> httpx.AsyncClient:
    host, port = listener.getsockname()[:2]
    return httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False)


async def test_probes_list_their_checks(
    health: Health, metrics: Metrics, listener: socket.socket
) -> None:
    async with serving(ops_app(health, metrics), listener), client_of(listener) as client:
        live = await client.get("/livez")
        assert live.status_code == 200
        assert live.headers["content-type"] == "application/json"
        assert live.headers["cache-control"] == "no-store"
        assert [(check["name"], check["ok"]) for check in live.json()] == [("loop", True)]

        for path in ("/readyz", "/startupz"):
            answer = await client.get(path)
            assert answer.status_code == 503
            (check,) = answer.json()
            since_us = parse_rfc3339(check.pop("since"))
            assert 0 <= time.time_ns() / 1_000 - since_us < 60e6
            assert check == {"name": "log", "ok": False, "detail": "not yet"}

        health.report("log", time.monotonic())
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/startupz")).status_code == 200

        health.drain(time.monotonic())
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_served_as_prometheus_reads_them(
    health: Health, metrics: Metrics, listener: socket.socket
) -> None:
    metrics.add(EVENTS, 3)
    async with serving(ops_app(health, metrics), listener), client_of(listener) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["events_total"] == 3


async def test_nothing_else_is_served_and_nothing_can_be_sent(
    health: Health, metrics: Metrics, listener: socket.socket
) -> None:
    async with serving(ops_app(health, metrics), listener), client_of(listener) as client:
        assert (await client.get("/")).status_code == 404
        assert (await client.get("/metrics/../livez/x")).status_code == 404
        refused = await client.post("/livez", content=b"x")
        assert refused.status_code == 405
        assert "server" not in refused.headers


async def test_signals_stay_with_who_had_them(
    health: Health, metrics: Metrics, listener: socket.socket
) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    async with serving(ops_app(health, metrics), listener), client_of(listener) as client:
        await client.get("/livez")
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


class LeftTheBlockError(Exception):
    """What a test leaves `serving` with."""


@pytest.mark.parametrize("error", [LeftTheBlockError, asyncio.CancelledError])
async def test_an_error_in_the_block_ends_the_server_too(
    health: Health, metrics: Metrics, listener: socket.socket, error: type[BaseException]
) -> None:
    async def leave(client: httpx.AsyncClient) -> None:
        async with serving(ops_app(health, metrics), listener):
            await client.get("/livez")  # the connection stays open
            raise error

    address = listener.getsockname()
    async with client_of(listener) as client:
        with pytest.raises((BaseExceptionGroup, asyncio.CancelledError)) as raised:
            await leave(client)
    if error is LeftTheBlockError:
        assert raised.group_contains(LeftTheBlockError)
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(address) != 0, "nothing listens any more"


def test_an_occupied_port_is_a_sentence(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(ConfigError) as refused:
        listen(ListenAddress("127.0.0.1", port), "--ops")
    assert str(refused.value) == (
        f"nothing can be served on 127.0.0.1:{port} (Address already in use):"
        " free it, or choose another ADDRESS:PORT with --ops"
    )


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:8054 \(Cannot assign requested address\)"):
        listen(ListenAddress("192.0.2.1", 8054), "--ops")


def test_a_name_that_is_no_address_is_a_sentence() -> None:
    with pytest.raises(
        ConfigError, match=r"nothing can be served on no-such-name\.invalid:8054 \([A-Z]"
    ):
        listen(ListenAddress("no-such-name.invalid", 8054), "--ops")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_was_just_served_can_be_served_again(host: str) -> None:
    with listen(ListenAddress(host, 0), "--ops") as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), contextlib.closing(first.accept()[0]):
            pass  # the server's end closes first and waits for what may still come
    with listen(ListenAddress(host, port), "--ops"):
        pass


def test_what_is_answered_does_not_wait_for_acknowledgements() -> None:
    with (
        listen(ListenAddress("127.0.0.1", 0), "--ops") as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
