"""Groups of commands that are too many for ``fund/cli.py``, and what all commands share."""
