"""Clients of the services that the platform talks to over HTTP: Airflow, Spark and randomuser.me."""
