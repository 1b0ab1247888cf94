"""Connects the stages to Airflow: connections, operators, callbacks. No other package knows Airflow."""
