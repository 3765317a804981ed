"""The log in Apache Kafka. Only this package imports aiokafka."""

from geophone_shared.bus.kafka.bus import KafkaBus, open_kafka_bus
from geophone_shared.bus.kafka.connection import KafkaConnection, KafkaTimeouts

__all__ = ["KafkaBus", "KafkaConnection", "KafkaTimeouts", "open_kafka_bus"]
