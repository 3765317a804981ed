"""A service inside of a network namespace: what it answers there."""

import json
from typing import Any

import httpx

from tests.support.namespaces import Namespace
from tests.support.service_processes import ServiceProcess, by_id


class Watching:
    """Asks a service that serves inside of a namespace.

    Args:
        service: that runs there.
        space: the namespace.
        address: ADDRESS:PORT that it serves on.
    """

    def __init__(self, service: ServiceProcess, space: Namespace, address: str) -> None:
        self.service = service
        self._space = space
        self._address = address

    def answer(self, path: str) -> str:
        """The text of an answer, of whatever status."""
        url = f"http://{self._address}{path}"
        return self._space.inside(lambda: httpx.get(url, trust_env=False).text)

    def metric(self, series: str) -> float:
        """A series by its name and labels."""
        lines = self.answer("/metrics").splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{series} "))

    def shows(self, report: dict[str, Any]) -> bool:
        """Whether REST shows the alerts and domains of a replay's report."""
        alerts = json.loads(self.answer("/api/v1/alerts?state=all&limit=200"))["alerts"]
        path = "/api/v1/domains/top?limit=100&exclude_allowed=false"
        domains = json.loads(self.answer(path))["domains"]
        return by_id(alerts) == by_id(report["alerts"]) and domains == report["top_domains"]


async def watch(service: ServiceProcess, space: Namespace) -> Watching:
    """As soon as it serves."""
    address = (await service.until_said("serving"))["geophone.address"]
    return Watching(service, space, address)
