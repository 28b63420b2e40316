"""What is sent about the words of a mail."""

from fund.web.forms import Form
from notifications.wording import Words


def words(form: Form) -> Words:
    """The words as they were sent."""
    return Words(form.value("subject"), form.value("text"), form.value("html"))


def filled(said: Words, seen: int, language: str) -> Form:
    """The form with these words, and the version that they were begun from."""
    return Form.of(**said.parts(), seen=str(seen), language=language)
