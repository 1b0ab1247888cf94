"""What the numbers mean: pure functions over frozen dataclasses, without Streamlit, Kafka or Postgres."""
