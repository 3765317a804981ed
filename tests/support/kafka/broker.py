"""One real Apache Kafka broker in KRaft mode, which tests stop, kill and freeze.

Listeners, all on free loopback ports: plaintext, SCRAM over plaintext, TLS that wants a
certificate of the client, SCRAM over TLS, and one that is said to be where a proxy may listen.
`python -m tests.support.kafka` starts one to play with.
"""

import base64
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trustme
from cryptography.hazmat.primitives import serialization

from tests.support.kafka.jars import java, require_kafka
from tests.support.process_times import cpu_seconds_of

USERNAME = "geophone"
PASSWORD = "under-ground"  # noqa: S105, of a broker that lives as long as the tests
_STARTED = b"Kafka Server started"
_START_TIMEOUT_SECONDS = 60
_STOP_TIMEOUT_SECONDS = 20

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{plaintext},SCRAM://127.0.0.1:{scram},TLS://127.0.0.1:{tls},\
PROXIED://127.0.0.1:{proxied},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plaintext},SCRAM://127.0.0.1:{scram},\
TLS://127.0.0.1:{tls},PROXIED://127.0.0.1:{proxy},SECURE://127.0.0.1:{secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SCRAM:SASL_PLAINTEXT,TLS:SSL,\
PROXIED:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
log.dirs={folder}/log
log.cleaner.dedupe.buffer.size=16777216
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
# By default, a broker that was killed is only let in again when its 9 s have passed.
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
"""


_GUARDED = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a broker's listeners, on 127.0.0.1; `proxy` is where `proxied` is said to be."""

    plaintext: int
    scram: int
    tls: int
    proxied: int
    proxy: int
    secure: int
    controller: int


class KafkaBroker:
    """A broker with its data in `folder`; `start` it first, `close` it at the end.

    One that isn't alone has to `join` its cluster before. Where `principals` are given, they may
    do what ACLs say: with `PASSWORD` over `secure`, or a certificate of that name over `tls`. Who
    comes over `plaintext` may do everything.

    Attributes:
        folder: What it keeps; `ca.pem`, `client.pem` and `client.key` are for clients of `tls`.
        ports: Its listeners.
    """

    def __init__(
        self, folder: Path, *, is_alone: bool = True, principals: Sequence[str] = ()
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.ports = Ports(*_free_ports(7))
        self._kafka = require_kafka()
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        values = {name: getattr(self.ports, name) for name in Ports.__slots__}
        self._properties = _PROPERTIES.format(folder=folder, **values)
        _write_certificates(folder, principals)
        if is_alone:
            if principals:
                self._properties += _GUARDED
            options = ["--standalone"]
            for name in (USERNAME, *principals):
                options += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={PASSWORD}]"]
            self._format(cluster_id(), *options)

    def join(self, cluster: str, properties: str) -> None:
        """Make it one of several brokers; `properties` stand over those of one alone."""
        bootstrap = "controller.quorum.bootstrap.servers="
        lines = self._properties.splitlines()
        alone = [line for line in lines if not line.startswith(bootstrap)]
        self._properties = "\n".join(alone) + properties
        self._format(cluster)

    @property
    def bootstrap_servers(self) -> str:
        """The plaintext listener."""
        return f"127.0.0.1:{self.ports.plaintext}"

    def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            RuntimeError: it ended, or needed more than a minute.
        """
        archive = self._kafka / "classes.jsa"
        if not archive.exists():
            recorded = self.folder / archive.name
            self._run(f"-XX:ArchiveClassesAtExit={recorded}")
            self.stop()
            # Perhaps from another file system, and never a part of it for others to see.
            partial = archive.with_name(f"{archive.name}.{os.getpid()}")
            shutil.copy(recorded, partial)
            partial.rename(archive)
        self._run(f"-XX:SharedArchiveFile={archive}")

    def stop(self) -> None:
        """End it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it where it stands (SIGKILL)."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open, and nothing answers (SIGSTOP)."""
        os.kill(self._pid(), signal.SIGSTOP)
        os.waitid(os.P_PID, self._pid(), os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a frozen broker go on (SIGCONT)."""
        os.kill(self._pid(), signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """What its process has used so far."""
        return cpu_seconds_of(self._pid())

    def close(self) -> None:
        """End it in any state it may be in."""
        if self._process is not None:
            self.kill()

    def run_tool(self, name: str, *options: str, text: str = "") -> str:
        """Run one of Kafka's console tools with `text` as its input; its output.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        full_name = name if "." in name else f"org.apache.kafka.tools.{name}"
        archive = f"-XX:SharedArchiveFile={self._kafka / 'classes.jsa'}"
        command = java(self._kafka, archive, full_name)
        command += ["--bootstrap-server", self.bootstrap_servers, *options]
        finished = subprocess.run(command, check=True, capture_output=True, text=True, input=text)
        return finished.stdout

    def _format(self, cluster: str, *options: str) -> None:
        properties = self.folder / "server.properties"
        properties.write_text(self._properties)
        subprocess.run(
            [
                *java(self._kafka, "kafka.tools.StorageTool", "format"),
                *("--cluster-id", cluster, "--config", str(properties), *options),
            ],
            check=True,
            capture_output=True,
        )

    def _run(self, option: str) -> None:
        command = java(self._kafka, option, "kafka.Kafka", f"{self.folder}/server.properties")
        self._output = (self.folder / "output.txt").open("ab")
        begin = self._output.tell()
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT)
        self._await_started(begin)

    def _await_started(self, begin: int) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        with (self.folder / "output.txt").open("rb") as output:
            output.seek(begin)
            seen = b""
            while _STARTED not in seen:
                has_ended = self._process is None or self._process.poll() is not None
                seen += output.read()
                if has_ended or time.monotonic() > deadline:
                    self.close()
                    raise RuntimeError(f"Kafka did not start:\n{seen.decode(errors='replace')}")
                time.sleep(0.02)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._output is None:
            raise RuntimeError("the broker does not run")
        self._process.send_signal(number)
        if number is signal.SIGTERM:
            self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._process = self._output = None

    def _pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.pid


def cluster_id() -> str:
    """A new one. Not every one will do: what begins with a hyphen is taken for an option."""
    return "A" + base64.urlsafe_b64encode(os.urandom(15)).decode() + "A"


def _write_certificates(folder: Path, principals: Sequence[str]) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    broker = authority.issue_cert("127.0.0.1")
    # Java reads PKCS #8 only.
    key = serialization.load_pem_private_key(broker.private_key_pem.bytes(), password=None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain = b"".join(each.bytes() for each in broker.cert_chain_pems)
    (folder / "broker.pem").write_bytes(pem + chain + authority.cert_pem.bytes())
    client = authority.issue_cert("geophone.test")
    client.private_key_pem.write_to_path(folder / "client.key")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    for name in principals:
        own = authority.issue_cert("geophone.test", common_name=name)
        own.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
