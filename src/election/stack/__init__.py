"""The native stack on this machine: Postgres, Kafka, Spark, Airflow, dashboard, results feed and metrics,
under supervisor."""
