"""Deadlines into reminders, reminders into messages, messages into mail.

Imports only ``schema``. The database, the clock and the settings come in as arguments.
"""
