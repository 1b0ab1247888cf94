"""The results dashboard: model (pure), feed (Kafka and Postgres in the background), view (HTML and charts), pages."""
