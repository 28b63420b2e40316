"""The pages of a proposal as forms: what was typed into what is to be saved, and back."""

from fund.applying import fields
from fund.applying.fields import ANSWER, Edit, Keep
from fund.applying.queries import PROJECT, Part, Writing
from fund.web import words
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from schema.applications import Application
from schema.rounds import THEMES, Question
from schema.values import Money
from schema.wording import gettext_noop as _n

PROJECT_FIELDS = {"title": _n("Title"), "theme": _n("Theme"), "requested_minor": _n("Amount")}


def filled(here: Writing, page: str) -> Form:
    """The form of a page with what is stored. Raises NotFound for a page that the round does not have."""
    if page == PROJECT:
        return _of_project(here.application)
    part = here.part(page)
    return Form.of(**{ANSWER + q.key: part.answers.get(q.key) for q in part.section.questions})


def edit(form: Form, here: Writing, page: str) -> Edit:
    """What was typed on a page. What cannot be stored is noted on the form and left out: the rest is saved.

    Raises NotFound for a page that the round does not have.
    """
    return _project(form, here) if page == PROJECT else _answers(form, here.part(page))


def differing(form: Form, stored: Form, here: Writing, page: str) -> dict[str, str]:
    """Names of the page's fields in which what was typed is not what is stored, with their labels."""
    labels = PROJECT_FIELDS if page == PROJECT else labels_of(here.part(page))
    return {name: label for name, label in labels.items() if form.value(name) != stored.value(name)}


def labels_of(part: Part) -> dict[str, str]:
    """The part's questions by the names of their fields."""
    return {ANSWER + question.key: question.label for question in part.section.questions}


def _of_project(application: Application) -> Form:
    return Form.of(title=application.title, theme=application.theme, requested_minor=application.requested)


def _project(form: Form, here: Writing) -> Edit:
    title = form.text("title", limit=fields.LONGEST_TITLE)
    theme = form.choice("theme", THEMES, required=False)
    amount = form.money("requested_minor", here.application.currency, required=False)
    if amount and not 0 < amount.minor <= here.ceiling.minor:
        most = words.money(here.ceiling)
        form.refuse("requested_minor", _("Enter an amount above 0 and up to %(most)s") % {"most": most})
    return Edit(
        title=None if form.error("title") else title,
        theme=None if form.error("theme") else theme,
        requested_minor=Keep.KEEP if form.error("requested_minor") else _minor(amount),
    )


def _minor(amount: Money | None) -> int | None:
    return amount.minor if amount else None


def _answers(form: Form, part: Part) -> Edit:
    typed = {question.key: _answer(form, question) for question in part.section.questions}
    return Edit(answers={key: text for key, text in typed.items() if not form.error(ANSWER + key)})


def _answer(form: Form, question: Question) -> str:
    name = ANSWER + question.key
    if allowed := fields.choices(question):
        return form.choice(name, allowed, required=False)
    if question.kind == "text":
        return form.text(name, limit=fields.LONGEST_LINE)
    return form.long_text(name, limit=fields.LONGEST_TEXT)
