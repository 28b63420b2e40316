"""The demonstration: the 2021 round, a clock that is moved by hand, and a mail server that shows what it caught.

Only the command line imports this. Nothing in it can be switched on in a real fund.
"""
