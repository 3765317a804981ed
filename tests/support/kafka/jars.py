"""Apache Kafka's jars, fetched once from Maven Central into the user's cache folder.

Beside them lies an archive of loaded classes (JEP 350): with it a broker starts in a second.
"""

from pathlib import Path

from tests.support.maven_jars import JarsMissingError, require_jars

HERE = Path(__file__).resolve().parent
JAVA_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")


KafkaMissingError = JarsMissingError
"""There is no Kafka to run here; the message is one sentence that says what to do."""


def require_kafka() -> Path:
    """The folder with `lib/*.jar`; fetched on the first call ever.

    Raises:
        KafkaMissingError: no java, no mvn, or the jars can't be fetched.
    """
    return require_jars(HERE / "pom.xml", "kafka")


def java(folder: Path, *arguments: str) -> list[str]:
    """The command line of a Java program out of Kafka's jars in `folder`."""
    return [
        "java",
        *JAVA_OPTIONS,
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        "-cp",
        f"{folder / 'lib'}/*",
        *arguments,
    ]
