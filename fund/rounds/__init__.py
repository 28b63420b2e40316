"""Rounds (calls for proposals): what they ask, how they score, until when, and how much they can award."""
