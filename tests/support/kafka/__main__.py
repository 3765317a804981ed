"""`make kafka`: one real broker to play with, until Ctrl-C."""

import signal
import sys
import tempfile
from pathlib import Path

from tests.support.kafka.broker import KafkaBroker
from tests.support.kafka.jars import KafkaMissingError


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="geophone-kafka-") as folder:
        try:
            broker = KafkaBroker(Path(folder))
        except KafkaMissingError as error:
            sys.stderr.write(f"make kafka: {error}\n")
            return 1
        try:
            broker.start()
            sys.stderr.write(
                f"Apache Kafka serves at {broker.bootstrap_servers}; its data is in {folder}.\n"
                "Ctrl-C stops it and removes the data.\n"
            )
            signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            broker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
