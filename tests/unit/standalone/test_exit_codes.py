import pytest

from geophone.exit_codes import ExitCode, exit_code
from tests.support import reports


def code(
    *,
    alerts: tuple[bool, ...] = (),
    damaged: bool = False,
    interrupted: bool = False,
    fail_on_alert: bool = True,
    strict: bool = True,
) -> ExitCode:
    """The code of a report with one alert for each item of `alerts`, allowed where True."""
    report = reports.report(
        alerts=[reports.alert(allowed=allowed) for allowed in alerts], interrupted=interrupted
    )
    report["capture"]["damaged"] = damaged
    return exit_code(report, fail_on_alert=fail_on_alert, strict=strict)


def test_nothing_found_and_nothing_damaged_is_success() -> None:
    assert code() == 0


@pytest.mark.parametrize(("asked", "expected"), [(True, 3), (False, 0)])
def test_an_alert_matters_where_it_was_asked_for(asked: bool, expected: int) -> None:
    assert code(alerts=(False,), fail_on_alert=asked) == expected


def test_an_allowed_alert_is_no_finding() -> None:
    assert code(alerts=(True, True)) == 0
    assert code(alerts=(True, False)) == 3


@pytest.mark.parametrize(("asked", "expected"), [(True, 4), (False, 0)])
def test_damage_matters_where_it_was_asked_for(asked: bool, expected: int) -> None:
    assert code(damaged=True, strict=asked) == expected


def test_a_tunnel_outweighs_damage_and_an_interruption_both() -> None:
    assert code(alerts=(False,), damaged=True) == 3
    assert code(alerts=(False,), damaged=True, interrupted=True) == 130
