"""Drills take longer than a test may; they run on the same elections as the integration tests."""

from tests.integration.conftest import published, tables

__all__ = ["published", "tables"]
