"""How to reach Kafka: clients that lose nothing, topics, bounded reading."""
