"""Applying: a member's proposal from the first word to its submission, and where it stands from then on."""
