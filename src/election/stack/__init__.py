"""The native stack: Postgres, Kafka, Spark, Airflow and the dashboard on this machine, under supervisor."""
