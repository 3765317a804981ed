"""How interfaces are captured on, from the settings [shell]."""

from geophone_capture.encapsulations import ALL, NONE, Encapsulation
from geophone_capture.live.bpf import Program, parse_decimal
from geophone_capture.live.options import LiveOptions
from geophone_capture.resolvers import resolver_addresses
from geophone_shared.errors import ConfigError
from geophone_shared.settings.sections import CaptureSettings

_BY_NAME = {str(each.name).lower().replace("_", "-"): each for each in Encapsulation}
_MOST_FILTER_BYTES = 1 << 20


def live_options(settings: CaptureSettings) -> LiveOptions:
    """What is asked for.

    Raises:
        ConfigError: an encapsulation has no such name, or the filter can't be used.
    """
    return LiveOptions(
        ports=settings.ports,
        ring_bytes=settings.ring_bytes,
        promiscuous=settings.promiscuous,
        fanout_group=settings.fanout_group,
        encapsulations=encapsulations_named(settings.encapsulations),
        resolvers=tuple(address.packed for address in resolver_addresses()),
        raw_filter=_raw_filter(settings),
    )


def encapsulations_named(names: tuple[str, ...]) -> Encapsulation:
    """The bits of these names; `all` for all of them.

    Raises:
        ConfigError: there is no such encapsulation.
    """
    found = NONE
    for name in names:
        if name != "all" and name not in _BY_NAME:
            raise ConfigError(
                f"{name[:40]!a} is no encapsulation that is looked into: give some of"
                f" {', '.join(_BY_NAME)}, or all"
            )
        found |= ALL if name == "all" else _BY_NAME[name]
    return found


def _raw_filter(settings: CaptureSettings) -> Program | None:
    if settings.filter_raw is not None:
        return parse_decimal(settings.filter_raw, "capture.filter_raw")
    file = settings.filter_raw_file
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_FILTER_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise ConfigError(
            f"the packet filter {str(file)!a} can't be read ({error.strerror}); correct"
            " --filter-raw"
        ) from error
    return parse_decimal(text, str(file))
