"""The options of commands that use the log themselves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from geophone_shared.bus.contract import Bus
    from geophone_shared.settings.settings import Settings

_Result = TypeVar("_Result")

BootstrapServers = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", metavar="HOSTS", help="Brokers of Kafka, HOST:PORT,..."),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where the embedded log is, without Kafka."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A file with settings, TOML.")
]


def log_settings(
    bootstrap_servers: str | None, config: Path | None, data_dir: Path | None = None
) -> "Settings":
    """The settings with these flags.

    Raises:
        ConfigError: one is wrong.
    """
    from geophone_shared.settings.loading import Flag, load_settings  # noqa: PLC0415 - pydantic

    return load_settings(
        [
            Flag("--config", "config_file", config),
            Flag("--bootstrap-servers", "bootstrap_servers", bootstrap_servers),
            Flag("--data-dir", "data_dir", data_dir),
        ]
    )


def on_log(settings: "Settings", work: "Callable[[Bus], Awaitable[_Result]]") -> _Result:
    """What `work` returns, with the log open.

    Raises:
        ConfigError: the log refuses.
        TransientError: the log doesn't answer.
    """
    import asyncio  # noqa: PLC0415
    import logging  # noqa: PLC0415

    from geophone.opened_log import open_log, refuse_absent_file  # noqa: PLC0415 - loads the log's client

    refuse_absent_file(settings)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its errors come as sentences

    async def run() -> _Result:
        async with open_log(settings) as bus:
            return await work(bus)

    return asyncio.run(run())
