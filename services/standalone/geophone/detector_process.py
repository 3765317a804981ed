"""The detector in a process: of its own, or of `geophone run`."""

import asyncio
import logging
from collections.abc import Sequence

from geophone.service_process import (
    Declared,
    Parts,
    listening,
    require_brokers,
    run_process,
)
from geophone_detector import metrics, service
from geophone_detector.warming import warm
from geophone_shared.errors import ConfigError
from geophone_shared.exit_codes import ExitCode
from geophone_shared.key_files import FoundKey, key_from_file, key_from_hex, key_in_folder
from geophone_shared.ops_server import ops_app, serving
from geophone_shared.settings.loading import Flag, load_settings
from geophone_shared.settings.settings import Settings

_logger = logging.getLogger(__name__)

DETECTOR = Declared(
    stage="detector",
    topics=service.TOPICS,
    families=metrics.FAMILIES,
    conditions=service.HEALTH_CONDITIONS,
    warm=warm,
)


async def detect(parts: Parts, finish: asyncio.Event | None = None) -> None:
    """Run the service; `finish` ends it once everything on the log is counted."""
    found = configured = configured_key(parts.settings)
    if found is None:
        found = generated_key(parts.settings)
    if found.warning is not None:
        _logger.warning("others may see the hash key", extra={"reason": found.warning})
    await service.run_detector(
        parts.bus,
        parts.settings.detector,
        found.secret,
        is_secret_shared=configured is not None,
        metrics=parts.metrics,
        health=parts.health,
        stop=parts.stop,
        finish=finish,
    )


def configured_key(settings: Settings) -> FoundKey | None:
    """The hash key that somebody has set; None where nobody has.

    Raises:
        ConfigError: it can't be used.
    """
    detector = settings.detector
    if detector.hash_key is not None:
        digits = detector.hash_key.get_secret_value()
        return FoundKey(key_from_hex(digits, "detector.hash_key"))
    return None if detector.hash_key_file is None else key_from_file(detector.hash_key_file)


def generated_key(settings: Settings) -> FoundKey:
    """The hash key of the data folder, made when it is first asked for.

    Raises:
        ConfigError: the folder can't be used.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the data folder {str(settings.data_dir)!a} can't be made ({error.strerror}):"
            " choose another one with --data-dir, or set GEOPHONE_DETECTOR_HASH_KEY_FILE"
        ) from error
    return key_in_folder(settings.data_dir)


def run(flags: Sequence[Flag]) -> ExitCode:
    """`geophone detector`.

    Raises:
        ConfigError: a setting is wrong.
    """
    settings = load_settings(flags)
    require_brokers(settings, "detector")

    async def work(parts: Parts) -> None:
        listener = listening(settings.detector.ops, "--ops")
        async with serving(ops_app(parts.health, parts.metrics), listener):
            await detect(parts)

    return run_process("geophone-detector", settings, [DETECTOR], work)
