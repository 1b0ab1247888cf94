"""The control room: what this project adds to Airflow's UI. `plugins/` only names these parts to Airflow.

Views (navigation and tabs), links on tasks, and two small web applications that run inside Airflow's API server: the
pages about an election, and the data docs. Both answer only to who is logged in to Airflow.
"""
