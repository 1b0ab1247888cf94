"""What ties the stages to Airflow: its connections, operators and callbacks. Nothing else here knows Airflow."""
