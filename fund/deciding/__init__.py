"""Deciding: what can be decided, the best reviewed first, against the money that is left."""
