"""The log in Apache Kafka. Only this package imports aiokafka."""

from geophone_shared.bus.kafka.bus import open_kafka_bus
from geophone_shared.bus.kafka.connection import KafkaConnection, KafkaTimeouts

__all__ = ["KafkaConnection", "KafkaTimeouts", "open_kafka_bus"]
