"""Reviewing: who reads which proposal, conflicts declared before reading, scorecards, and what they add up to."""
