"""The native stack on this machine: Postgres, Kafka, Spark, Airflow, dashboard and results feed, under supervisor."""
