"""How a report keeps alerts."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from geophone import report as report_module
from geophone.replay import ReplayOptions, replay
from geophone.report import ReplayReport
from geophone_shared.alerts import Alert
from tests.support.alerts import alerts


def _kept(report: ReplayReport) -> dict[str, Alert]:
    return report._alerts


@given(alerts)
def test_an_alert_is_kept_in_its_last_state(alert: Alert) -> None:
    report = ReplayReport(("a.pcap",), 10, 14_400)
    recovered = replace(alert, state="recovered", value=alert.value + 1)
    report.add([replace(alert, state="opened")])
    report.add([recovered])
    assert _kept(report) == {alert.id: recovered}


def test_more_alerts_than_a_report_keeps_are_counted(
    demo_capture: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "MOST_ALERTS", 1)
    found: Any = replay(ReplayOptions(files=(str(demo_capture),)), None)
    assert [alert["rule"] for alert in found["alerts"]] == ["burst"]
    assert found["detector"]["alerts_left_out"] == 3
    assert "3 alerts more were opened than a report keeps" in found["warnings"]
