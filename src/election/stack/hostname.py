"""This machine's name for Airflow. All its parts run here, so no name service is needed."""


def hostname() -> str:
    return "localhost"
