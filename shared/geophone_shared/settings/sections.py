"""The sections of the settings: one model per service, and one for each thing they share.

A setting's description says what it does; for a threshold, why it has this value and which way to
move it. docs/configuration.md is generated from them.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from geophone_shared.listen_address import ListenAddress
from geophone_shared.settings.values import (
    Address,
    Count,
    Port,
    Ports,
    Seconds,
    Secret,
    Speed,
    Text,
    Texts,
)

_MIB = 1024 * 1024


class Section(BaseModel):
    """Settings that belong together. A secret `x` may be given as `x_file`, but not as both."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="after")
    def _refuse_a_secret_given_twice(self) -> Self:
        for name in type(self).model_fields:
            if getattr(self, name) is not None and getattr(self, f"{name}_file", None) is not None:
                raise ValueError(f"{name} and {name}_file exclude each other: give one of them")
        return self


class LogSettings(Section):
    """What Geophone says of itself, on standard error."""

    format: Literal["auto", "text", "json"] = "auto"
    """`auto` is text on a terminal and JSON, one object a line, everywhere else."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The mildest message that is written."""


class KafkaSettings(Section):
    """How to sign on to Kafka, in the words of its own clients."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How brokers are spoken to."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is shown to be known."""
    sasl_plain_username: Text | None = None
    """Who signs on, whichever the mechanism."""
    sasl_plain_password: Secret | None = None
    """The password."""
    sasl_plain_password_file: Path | None = None
    """A file that holds the password."""
    ssl_cafile: Path | None = None
    """Certificates (PEM) to trust in place of the system's."""
    ssl_certfile: Path | None = None
    """The own certificate (PEM), where brokers want one."""
    ssl_keyfile: Path | None = None
    """Its key, where it isn't in `ssl_certfile`."""
    delivery_timeout_seconds: Seconds = 30
    """Until a record is acknowledged, with all retries; then it is sent anew, or given up."""
    request_timeout_seconds: Seconds = 15
    """Until anything else is answered."""
    session_timeout_seconds: Seconds = 30
    """Without a sign of life for so long, a detector or alerter loses its partitions to another.
    Brokers take 6 to 1,800 unless they are told otherwise. Shorter notices a dead one earlier, and
    takes a slow one for dead."""

    @model_validator(mode="after")
    def _refuse_half_an_identity(self) -> Self:
        has_password = self.sasl_plain_password or self.sasl_plain_password_file
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_plain_username and has_password
        ):
            raise ValueError(
                f"{self.security_protocol} needs sasl_plain_username and sasl_plain_password or"
                " sasl_plain_password_file: give both"
            )
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("ssl_keyfile has no certificate: give ssl_certfile too")
        return self


class CaptureSettings(Section):
    """What is read, and how it goes to the log."""

    interfaces: Texts = ()
    """Network interfaces to capture on; needs CAP_NET_RAW."""
    promiscuous: bool = False
    """Capture frames for other stations as well, as mirror ports send them."""
    ring_bytes: int = Field(default=64 * _MIB, ge=_MIB // 4, le=4096 * _MIB)
    """Memory of each interface for packets that wait to be read. Raise it where the kernel drops
    some."""
    fanout_group: int | None = Field(default=None, ge=0, le=65_535)
    """A number that processes on this machine share which capture on the same interfaces: each flow
    goes to one of them."""
    encapsulations: Texts = ()
    """What is looked into on interfaces, besides VLAN tags: `mpls`, `pppoe`, `gre` (with ERSPAN),
    `vxlan`, `geneve`, `ip-in-ip`, `teredo`, `gtp-u`, or `all`. More lets more packets through to
    be looked at. In files it is always all."""
    filter_raw: Text | None = None
    """A packet filter in place of the own one, as `tcpdump -ddd` prints it, lines joined by commas.
    It has to be made for the kind of the interfaces."""
    filter_raw_file: Path | None = None
    """A file with such a filter, as it was printed."""
    files: Texts = ()
    """Captures to read, pcap or pcapng, plain, gzip or zstd; `-` is standard input."""
    speed: Speed = float("inf")
    """How many times as fast as they were recorded; `max` is as fast as can be. Where it isn't set,
    standard input is taken for live: 1, so that batches close by time."""
    shift_to_now: bool = False
    """Date packets as if the captures began now."""
    exit_at_end: bool = False
    """End when the captures do, in place of going on serving."""
    ports: Ports = (53,)
    """Ports of DNS, UDP and TCP."""
    keep_responses: bool = False
    """Store the raw responses with the transactions. They take several times as much of the log."""
    batch_rows: int = Field(default=8_000, ge=1, le=16_000)
    """Transactions in a batch, at most. Larger batches are smaller on the log and cost less; one
    also closes at the bytes that a record of Kafka can hold."""
    linger_seconds: Seconds = 0.2
    """Packet time after which a batch closes."""
    queue_batches: Count = 256
    """Batches that wait for the log. Files and standard input wait when so many do; for what comes
    from an interface the oldest is dropped, and counted."""
    sensor: Text | None = None
    """What this capture is called in its records; by default as the machine is."""
    ops: Address = ListenAddress("127.0.0.1", 8054)
    """Where probes and metrics are served."""

    @model_validator(mode="after")
    def _refuse_two_sources(self) -> Self:
        if self.interfaces and self.files:
            raise ValueError("interfaces and files exclude each other: give one of them")
        if len(set(self.interfaces)) < len(self.interfaces):
            raise ValueError("interfaces names one twice: name each once")
        return self


class RuleThresholds(Section):
    """What opens an alert."""

    unique_hostnames: Count = 200
    """More hostnames than this under a domain in 4 h: Elastic's published watch. Raise it where
    busy services aren't on the allow list."""
    burst: Count = 4_096
    """Bytes of information in hostnames in 10 minutes: every public tunnel tool passes it within
    a minute or so. Lower it to catch smaller thefts."""
    information: Count = 10_080
    """Bytes of information in 4 h: 0.7 a second, the slowest rate of ibHH (NDSS 2024). Lower it
    to catch slower tunnels, raise it where services are chatty."""
    slow: Count = 24_192
    """Bytes of information in 24 h: 0.28 a second (Nadler et al., 2019). Lower it to catch slower
    tunnels, raise it where services are chatty."""

    def by_rule(self) -> dict[str, int]:
        """Rule name → threshold."""
        return {name.replace("_", "-"): value for name, value in self}


class DetectorSettings(Section):
    """What is counted, and with how much memory."""

    exact_cap_names: Count = 4_096
    """Hostnames of a domain that are counted exactly; above, they are estimated, with bounds.
    Raising it costs memory."""
    memory_budget_bytes: Count = 512 * _MIB
    """For hostnames and domains. Each partition of the log gets an equal share, at least 16 MiB,
    whoever has it: one detector of several takes less. At the budget the domains with the fewest
    hostnames are swept."""
    sketch_budget_bytes: Count = 64 * _MIB
    """For the estimates of domains above the exact cap, 295 kB each; shared likewise."""
    hash_key: Secret | None = None
    """32 hexadecimal digits that nobody may know; by default made once and kept in `data_dir`.
    Detectors that share a log need the same."""
    hash_key_file: Path | None = None
    """A file that holds the hash key."""
    snapshot_rows: Count = 5_000_000
    """Transactions of a partition after which its state is written to the log."""
    snapshot_interval_seconds: Seconds = 600
    """Time after which it is, where fewer came."""
    member: Text | None = None
    """A name that this detector keeps over restarts, in Kubernetes its pod's: a short restart then
    moves no partitions. No two that run at the same time may have the same."""
    allow_list_file: Path | None = None
    """Domains that nobody is notified of, one a line, in place of the shipped list."""
    rule_thresholds: RuleThresholds = RuleThresholds()
    ops: Address = ListenAddress("127.0.0.1", 8055)
    """Where probes and metrics are served."""


class EmailSettings(Section):
    """Mail to people; none is sent without a host."""

    host: Text | None = None
    """The mail server."""
    port: Port = 587
    """587 for submission, 465 for implicit TLS, 25 for a relay."""
    sender: Text | None = Field(default=None, alias="from")
    """The sender: `geophone@example.com` or `Geophone <geophone@example.com>`."""
    recipients: Texts = Field(default=(), alias="to")
    """Everyone who gets each mail."""
    starttls: Literal["required", "implicit", "off"] = "required"
    """Encrypted after STARTTLS, from the first byte, or not at all; `off` is for a relay on this
    machine."""
    username: Text | None = None
    """For AUTH."""
    password: Secret | None = None
    """Its password."""
    password_file: Path | None = None
    """A file that holds the password."""
    ca_file: Path | None = None
    """Certificates (PEM) to trust in place of the system's."""
    timeout_seconds: Seconds = 30
    """For each answer of the server."""

    @model_validator(mode="after")
    def _refuse_half_a_letter(self) -> Self:
        if self.host is not None and not (self.sender and self.recipients):
            raise ValueError("mail needs from and to beside host: give all three")
        return self


class ThrottleSettings(Section):
    """How often people are told."""

    window_seconds: Seconds = 14_400
    """One message per domain in this time, unless it gets worse. Longer is quieter."""
    burst: Count = 10
    """Messages that may go out at once; beyond, they are put together in a digest."""
    interval_seconds: Seconds = 300
    """How long it takes until one more may go out. Longer is quieter."""
    most_waiting: Count = 10_000
    """Domains that wait while the receiver doesn't answer; beyond, they are only counted."""


class EventLogSettings(Section):
    """Alerts as ECS events, one JSON object a line."""

    enabled: bool = True
    """Whether they are written."""
    file: Text = "-"
    """The file that they are appended to; `-` is standard output."""


class AlerterSettings(Section):
    """Who is told, and where one can ask."""

    http: Address = ListenAddress("127.0.0.1", 8053)
    """Where REST is served; `geophone run` serves everything there."""
    ops: Address | None = None
    """Where the alerter's probes and metrics are served; by default where REST is."""
    api_token: Secret | None = None
    """What who asks REST has to show. Only loopback addresses can go without."""
    api_token_file: Path | None = None
    """A file that holds the token."""
    log: EventLogSettings = EventLogSettings()
    email: EmailSettings = EmailSettings()
    throttle: ThrottleSettings = ThrottleSettings()
