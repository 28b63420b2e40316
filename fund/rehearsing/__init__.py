"""The rehearsal: a round lived through before it is, with its own workflows and people, in a database of its own.

It writes nothing in the fund's database and sends nothing. What it finds out is which mail would go to whom, and when.
"""
