"""Interim and final reports on funded projects."""
