"""Tests by room; ``tests.support`` holds the real servers that they talk to."""
