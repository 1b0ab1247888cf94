"""Access to Kafka: clients that lose nothing, topics, bounded reading."""
