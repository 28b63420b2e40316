"""The checker: what is wrong or doubtful in a definition, beyond names that nothing goes by."""

from workflows.errors import Finding
from workflows.parts import Content


def check(content: Content) -> list[Finding]:
    """What is wrong or doubtful in a definition, by line."""
    return []
