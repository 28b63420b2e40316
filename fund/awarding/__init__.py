"""Awarding: the terms of an award, the offer, and the agreement that is signed by typing one's name."""
