"""Languages: choice, translation, direction, extraction."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from fund.applying.forms import PROJECT_FIELDS
from fund.base import definitions
from fund.base.errors import Conflict, FundError, NotFound, NotSignedIn
from fund.base.facts import REPORT_PARTS
from fund.web import i18n, problems
from fund.web.page import ENVIRONMENT
from schema.lessons import CLEARED_ONE_BY_ONE
from schema.rounds import THEMES
from tests.web.sink import AMINA, PEOPLE
from workflows import Definition, Reason, shipped
from workflows.check import check_text
from workflows.compare import compare

ROOT = Path(__file__).resolve().parents[2]
ARABIC = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: ar\\n"

msgid "Sign in"
msgstr "تسجيل الدخول"

msgid "Not found"
msgstr "غير موجود"

msgid "Your changes are saved."
msgstr "حُفظت تغييراتك."

msgid "there is no %(what)s \\"%(name)s\\"%(hint)s"
msgstr "لا يوجد %(what)s «%(name)s»%(hint)s"

msgid " (did you mean \\"%(word)s\\"?)"
msgstr " (هل تقصد «%(word)s»؟)"
"""


@pytest.fixture
def arabic(tmp_path):
    """A folder of translations that holds some Arabic."""
    (tmp_path / "ar" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "ar" / "LC_MESSAGES" / "fund.po").write_text(ARABIC, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-CO,es;q=0.9,en;q=0.8", "es"),
        ("nl, fr;q=0.7, es;q=0.8", "es"),
        ("nl, so", "en"),
        ("en;q=0.2, fr;q=0.9", "fr"),
        ("fr;q=0, es;q=0.1", "es"),
        ("*", "en"),
        ("fr;q=lots, es;q=0.5", "es"),
        ("FR-be", "fr"),
        (",;q=,;;", "en"),
    ],
)
def test_the_browser_asks_and_the_best_that_there_is_answers(header, language):
    assert i18n.negotiate(header, ("en", "es", "fr")) == language


def test_only_languages_with_a_catalogue_are_spoken(clients, arabic):
    client = clients(locale=arabic)
    arabic_page = client.get("/plain", headers={"Accept-Language": "ar-EG, en;q=0.5"}).text
    assert '<html lang="ar" dir="rtl">' in arabic_page
    assert "تسجيل الدخول" in arabic_page
    assert '<html lang="en" dir="ltr">' in client.get("/plain", headers={"Accept-Language": "he"}).text
    assert '<html lang="en" dir="ltr">' in clients().get("/plain", headers={"Accept-Language": "ar"}).text


def test_errors_speak_the_language_too(clients, arabic):
    answer = clients(locale=arabic).get("/nowhere", headers={"Accept-Language": "ar"})
    assert "<h1><bdi>غير موجود</bdi></h1>" in answer.text


def test_ones_own_choice_goes_before_the_browsers(clients, arabic, monkeypatch):
    client = clients("amina", locale=arabic)
    monkeypatch.setitem(
        PEOPLE, "amina", type(AMINA)(person_id=7, name="Amina", locale="ar", zone="Africa/Cairo")
    )
    assert '<html lang="ar" dir="rtl">' in client.get("/plain", headers={"Accept-Language": "en"}).text
    client.post("/save", data={"title": "x"})
    assert "حُفظت تغييراتك." in client.get("/plain").text


def test_a_text_without_translation_stays_as_it_is(arabic):
    assert i18n.catalogue("ar", arabic).gettext("Skip to the content") == "Skip to the content"
    assert i18n.catalogue("xx", arabic).gettext("Sign in") == "Sign in"


def test_a_lazy_text_is_translated_when_it_is_shown(arabic):
    text = i18n.lazy("Sign in")
    assert str(text) == "Sign in"
    i18n.begin("ar", arabic)
    assert str(text) == "تسجيل الدخول"
    i18n.prefer("en_GB")
    assert str(text) == "Sign in"
    i18n.begin("")


def test_a_lazy_text_is_escaped():
    assert i18n.lazy("<b>").__html__() == "&lt;b&gt;"


@pytest.mark.parametrize(
    ("language", "direction"), [("en", "ltr"), ("es", "ltr"), ("ar", "rtl"), ("so", "ltr"), ("ha", "ltr")]
)
def test_the_direction_of_a_language(language, direction):
    assert i18n.direction(language) == direction


def test_every_text_is_collected(tmp_path):
    room = tmp_path / "fund" / "applying"
    (room / "templates").mkdir(parents=True)
    (room / "pages.py").write_text(
        'from x import gettext as _, lazy\n_("From Python")\nlazy("Later")\nngettext("one", "many", 2)\n'
    )
    (room / "templates" / "a.html").write_text('{{ _("From a page") }}{% trans %}A block{% endtrans %}')
    (tmp_path / "workflows" / "library").mkdir(parents=True)
    (tmp_path / "workflows" / "library" / "x.toml").write_text(
        'name = "x"\n[states.draft]\nlabel = "Draft"\nhelp = "Write."\n'
        '[moves.go]\nlabel = "Go"\nconfirm = "Sure?"\nby = ["a"]\n'
    )
    (tmp_path / "notifications").mkdir()
    texts = {message.id for message in i18n.extract(tmp_path) if message.id}
    assert texts == {
        "From Python",
        "Later",
        ("one", "many"),
        "From a page",
        "A block",
        "Draft",
        "Write.",
        "Go",
        "Sure?",
    }


@pytest.fixture(scope="module")
def collected():
    """Every text of the project that people read; of those with a plural the singular."""
    return {one.id[0] if isinstance(one.id, tuple) else one.id for one in i18n.extract(ROOT)}


def test_labels_that_are_shown_through_variables_are_collected_too(collected):
    """Themes, parts of reports and lessons, fields of a proposal, titles of errors: named once, shown elsewhere."""
    errors = [FundError]
    for error in errors:
        errors += error.__subclasses__()
    named = {*THEMES.values(), *CLEARED_ONE_BY_ONE.values(), *REPORT_PARTS.values(), *PROJECT_FIELDS.values()}
    assert (named | {error.title for error in errors if error.__module__.startswith("fund.")}) <= collected


def test_what_errors_say_is_collected(collected):
    """Also what each says where nobody gives it words; where somebody does, they are marked on the spot."""
    assert {error().message for error in (NotSignedIn, NotFound, Conflict)} <= collected
    bare = re.compile(r"\b(Forbidden|NotFound|Conflict|NotSignedIn)\(\s*[\"'][A-Z]")
    assert [path.name for path in (ROOT / "fund").rglob("*.py") if bare.search(path.read_text("utf-8"))] == []


def test_reasons_are_said_in_the_readers_language_on_every_page():
    bare = re.compile(r"{{ *reason *}}")
    pages = (ROOT / "fund").rglob("templates/**/*.html")
    assert [path.name for path in pages if bare.search(path.read_text("utf-8"))] == []


def within(said: Reason) -> Iterator[str]:
    """What has to be translated of a sentence and of what is filled in; parts of a list stand in no catalogue."""
    if not said.msgid.startswith("%(part0)s"):
        yield said.msgid
    for value in said.params.values():
        yield from within(value) if isinstance(value, Reason) else ()


def test_what_the_checker_finds_is_collected(collected):
    source = shipped("application").source
    for old, new in (
        ('to = "submitted"', 'to = "submited"'),
        ("version = 1", 'version = "one"\ncolour = "red"'),
        ("version = 1", "version ="),
        ("reminders = [-14, -7, -2, -1]", "reminders = [-7, -7, -1, -1]"),
    ):
        broken = source.replace(old, new, 1)
        assert broken != source
        found = check_text(broken)
        assert found
        assert {text for one in found for text in within(one.message)} <= collected


def test_what_is_compared_is_collected(collected):
    """Two workflows that have next to nothing in common differ in all that can be told."""
    one, other = shipped("review"), shipped("application")
    said = {
        text
        for each in (compare(one, other), compare(other, one))
        for found in each
        for text in within(found.message)
    }
    assert {"%(noun)s: now %(new)s, was %(old)s", "who may read", "%(count)d day after it is opened"} <= said
    assert said <= collected


def test_what_the_checker_finds_is_said_in_the_readers_language(arabic):
    broken = shipped("application").source.replace('to = "submitted"', 'to = "submited"', 1)
    i18n.begin("ar", arabic)
    page = str(ENVIRONMENT.get_template("governing/parts.html").module.findings(check_text(broken)))
    assert "لا يوجد state «submited» (هل تقصد «submitted»؟)" in page
    i18n.begin("en")
    page = str(ENVIRONMENT.get_template("governing/parts.html").module.findings(check_text(broken)))
    assert "there is no state &#34;submited&#34; (did you mean &#34;submitted&#34;?)" in page


def test_the_command_says_what_it_takes():
    asked = subprocess.run(
        [sys.executable, "-m", "fund.web.i18n"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (asked.returncode, asked.stderr) == (2, "usage: python -m fund.web.i18n extract\n")


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("Bearer", None), ("", None)],
)
def test_a_bearer_token_is_read(header, token):
    request = Request({"type": "http", "headers": Headers({"authorization": header}).raw})
    assert problems.bearer_token(request) == token


def test_a_list_comes_in_pages():
    second = problems.paging(25)(2)
    assert (second.offset, second.size, second.pages(0), second.pages(25), second.pages(26)) == (
        25,
        25,
        1,
        1,
        2,
    )
    assert second.listing(["a"], 26).model_dump() == {"items": ["a"], "total": 26, "page": 2, "pages": 2}


def test_a_route_can_say_which_problems_it_answers():
    described = problems.responses(404)
    assert described[404]["content"]["application/problem+json"]["schema"]["title"] == "Problem"


SPANISH = """
[translations.es]
states.draft.label = "Borrador"
states.draft.applicant_label = "Borrador, sin enviar"
[translations.ar]
states.draft.label = "مسودة العمل"
"""


@pytest.fixture
def no_words_left():
    yield
    definitions.WORDS.clear()


@pytest.mark.usefixtures("no_words_left")
def test_words_that_a_workflow_brings_along_are_spoken(sqlite_db, clock, arabic):
    source = shipped("application").source.replace("version = 1", 'version = 9\nlanguages = ["es", "ar"]', 1)
    with sqlite_db.write() as session:
        key = definitions.store(session, Definition.parse(source + SPANISH), clock.now())
    with sqlite_db.read() as session:
        draft = definitions.definition_by_id(session, key).state("draft")
    spanish, arab = i18n.catalogue("es"), i18n.catalogue("ar", arabic)
    assert spanish.gettext(draft.label) == "Borrador"
    assert spanish.gettext(draft.applicant_label) == "Borrador, sin enviar"
    assert spanish.gettext(draft.help) == draft.help
    assert arab.gettext(draft.label) == "مسودة العمل"
    assert i18n.catalogue("en").gettext(draft.label) == "Draft"
