"""Words that people write for mails: what may stand in them, what comes out, and what nobody gets out of it."""

from dataclasses import replace
from datetime import UTC, datetime
from gettext import NullTranslations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from fund.web import i18n
from notifications import checking
from notifications.checking import FIXED, check, examples
from notifications.compose import Composer
from notifications.wording import LARGEST, Flaw, TooLong, Words, written
from tests.notifications.world import SETTINGS

NOW = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)
COMPOSER = Composer(SETTINGS, i18n.catalogue)
OFFER = COMPOSER.shipped("offer")
TEXT = '{% extends "_base/body.txt" %}{% block says %}SAYS{% endblock %}{% block link_label %}Read it{% endblock %}'
HTML = TEXT.replace("txt", "html").replace("SAYS", "<p>SAYS</p>")


def flaws(template: str = "offer", **parts: str) -> list[Flaw]:
    """What is wrong or doubtful with the mail, some of whose parts are others."""
    words = replace(COMPOSER.shipped(template), **parts)
    return check(COMPOSER, template, "en", words, [], NOW)


def said(found: list[Flaw]) -> list[str]:
    return [flaw.said % dict(flaw.values) for flaw in found]


def says(text: str) -> dict[str, str]:
    """A whole mail that says this, in both forms."""
    return {"text": TEXT.replace("SAYS", text), "html": HTML.replace("SAYS", text)}


@pytest.mark.parametrize("template", sorted(COMPOSER.names() - FIXED))
def test_the_shipped_words_of_every_mail_could_be_saved(template: str) -> None:
    assert flaws(template) == []


@pytest.mark.parametrize("template", sorted(COMPOSER.names() - FIXED))
def test_the_shipped_words_come_out_as_shipped_when_they_are_written_plainly(template: str) -> None:
    words, came = COMPOSER.shipped(template), 0
    for truth in examples(template, NOW):
        try:
            usual = COMPOSER.usual(truth, *COMPOSER.told(truth, NOW))
        except UndefinedError:
            continue
        mail, came = COMPOSER.say(truth, NOW, words), came + 1
        assert (mail.subject, mail.text) == (usual.subject, usual.text)
        assert mail.html.split() == usual.html.split()
    assert came >= 2


def test_plain_words_are_in_the_language_and_keep_what_counts() -> None:
    class Shouting(NullTranslations):
        def gettext(self, message: str) -> str:
            return message.replace("We offer you", "¡50%% para ti!")

    words = Composer(SETTINGS, lambda language: Shouting()).shipped("offer", "es")
    assert words.subject == "¡50% para ti! a grant: {{ title }}"
    assert "trans" not in words.text + words.html
    assert "{% pluralize %}" in COMPOSER.shipped("reminder").text


def test_other_words_come_out_with_what_is_put_in() -> None:
    words = Words(
        "News for {{ name }}",
        *says("We give {{ amount }}{% if starts %} from {{ starts }}{% endif %}.").values(),
    )
    assert check(COMPOSER, "offer", "en", words, [], NOW) == []
    mail = COMPOSER.say(examples("offer", NOW)[0], NOW, words)
    assert mail.subject == "News for Ana Example"
    assert "We give USD 12,000 from 1 January 2022." in mail.text
    assert "<p>We give <bdi>USD 12,000</bdi> from <bdi>1 January 2022</bdi>.</p>" in mail.html
    assert "What is due: Hand in the report" in mail.text
    assert "https://fund.example.org/applications/PIF-0000" in mail.text


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ due.__init__.__globals__ }}",
    "{{ due['__class__'] }}",
    "{{ due|attr('__class__') }}",
    "{{ self.__init__ }}",
    "{{ self.says() }}",
    "{{ gettext.__globals__ }}",
    "{{ cycler.__init__ }}",
    "{{ lipsum() }}",
    "{{ namespace() }}",
    "{{ config }}",
    "{{ title|safe }}",
    "{% include '/etc/passwd' %}",
    "{% import '_base/body.txt' as parts %}",
    "{% import 'sign_in/body.txt' as parts %}",
    "{% from '_base/parts.txt' import left %}",
    "{% extends 'sign_in/body.txt' %}",
    "{% extends title %}",
    "{% import title as parts %}",
    "{{ title.format(due) }}",
    "{{ (title ~ title)|e }}",
    "{{ title[0] }}",
    "{{ title is sameas(1) }}",
    "{{ _(title) }}",
    "{{ _('a', *[1]) }}",
]
ENDLESS = [
    "{% for a in range(9) %}{% endfor %}",
    "{% for c in title %}{{ c }}{% endfor %}",
    "{% for c in title recursive %}{{ loop(title) }}{% endfor %}",
    "{{ title * 999999999 }}",
    "{{ 10 ** 999999 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ _('%(n)999999999d', n=1) }}",
    "{{ title|center(999999999) }}",
    "{{ reason|indent(999999999) }}",
    "{{ reason|indent(width=999999999) }}",
    "{% macro a() %}{{ a() }}{% endmacro %}",
    "{% set x %}{{ title }}{{ title }}{% endset %}{{ x }}",
    "{% set x = [] %}",
    "{% filter upper %}a{% endfilter %}",
    "{% call parts.quote(1) %}{% endcall %}",
    "{{ title" + "|indent('x\\n\\n', true, true)" * 12 + " }}",
    "{{ title|indent(width='x\\n\\n') }}",
    "{{ title" + "|lines" * 60 + " }}",
    "{{ " + "_('%(a)s%(a)s', a=" * 16 + "title" + ")" * 16 + " }}",
    "{% set _trans = title %}" + "{% set _trans = _('%(a)s%(a)s', a=_trans) %}" * 7 + "{{ _trans }}",
    "{{ _('" + "%(a)s" * 60 + "', a=title) }}",
    "{% trans a=_('%(b)s', b=_('%(c)s', c=title)) %}{{ a }}{% endtrans %}",
]


@pytest.mark.parametrize("attack", ESCAPES + ENDLESS)
@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_what_could_escape_or_run_on_is_refused_before_it_runs(part: str, attack: str) -> None:
    found = flaws(**{part: getattr(OFFER, part) + "\n" + attack})
    assert [flaw.part for flaw in found] == [part]
    assert found[0].line == (getattr(OFFER, part) + "\n").count("\n") + 1
    assert not found[0].warning


@pytest.mark.parametrize("attack", ESCAPES)
def test_the_sandbox_refuses_by_itself_what_was_stored_past_the_check(attack: str) -> None:
    kept: list[str] = []
    for part, text in (("text", attack), ("html", attack)):
        try:
            template = COMPOSER.sandbox("en").compiled(Words("s", text, text))[part]
            told, due = COMPOSER.told(examples("offer", NOW)[0], NOW)
            kept.append(written(template, told.shown(text=True) | {"due": due, "subject": "s"}))
        except Exception:
            kept.append("")
    assert not any(sign in text for text in kept for sign in ("<class", "__globals__", "root:", "<module"))


def test_nothing_grows_without_end() -> None:
    template = COMPOSER.sandbox("en").compiled(Words("s", "{% for a in x %}{{ x }}{% endfor %}", "h"))["text"]
    with pytest.raises(TooLong):
        written(template, {"x": "y" * 1000})
    assert said(flaws(text="x" * 10_001)) == ["Shorten this to 10000 characters"]
    assert flaws(text="{% if a %}" * 900)
    assert flaws(text="{{ " + "(" * 4000)
    assert flaws(subject="{{ " + "-" * 400 + "1 }}")
    assert flaws(text="{{ title" + "|upper" * 1500 + " }}")
    assert flaws(text="{{ " + "9" * 9000 + " }}")
    assert LARGEST == 60_000


@pytest.mark.parametrize(
    ("parts", "line", "words"),
    [
        ({"subject": "{{ title"}, 1, "This cannot be read: unexpected end of template"),
        ({"subject": "Hello {{ nmae }}"}, 1, "“nmae” is not known. See the list of what a mail can tell."),
        ({"text": TEXT.replace("SAYS", "\n\n{{ due.lable }}")}, 3, "“.lable” is not known."),
        ({"text": TEXT + "\nMore."}, 1, "nobody would read it: write it between {% block says %} and {% endblock %}"),
        ({"subject": "{{ due.label }}"}, 1, "This cannot be written: 'None' has no attribute 'label'"),
        ({"subject": "{{ name }}"}, 0, "The subject line is empty with some messages"),
        ({"subject": "Hello\nBcc: all@example.org"}, 0, "The subject is one line"),
        ({"subject": "Hello\u2028you"}, 0, "The subject is one line"),
        ({"subject": "{{ title }}\r\nBcc: {{ name }}"}, 0, "The subject is one line"),
        ({"html": " "}, 0, "Write this part too: the mail goes out as text and as HTML"),
        ({"text": "Hello {{ name }}"}, 0, "The link is missing: {{ link }}, or the frame that holds it"),
        ({"html": "<p>Hello</p>"}, 0, "The link is missing: {{ link }}, or the frame that holds it"),
        ({"html": '{% extends "_base/body.html" %}'}, 0, "The link has no words: fill the block link_label"),
        ({"text": "{{ _('%(n)s') }} {{ link }}"}, 1, "This cannot be written: 'n'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(parts: dict[str, str], line: int, words: str) -> None:
    found = [flaw for flaw in flaws(**parts) if not flaw.warning]
    assert words in said(found)[0]
    assert found[0].line == line


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<img src=https://example.org/pixel.png>",
        "<p onclick=alert(1)>x</p>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" JavaScript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        "<iframe src=//x></iframe>",
        '<form action="/x"></form>',
        "<style>@import 'x'</style>",
        '<p style="background:url(//x)">x</p>',
        '<p style="background:\\75rl(//x)">x</p>',
        '<meta http-equiv="refresh" content="0;url=//x">',
        "<base href=//x>",
        "<svg/onload=alert(1)>",
        "<link rel=stylesheet href=//x>",
        "<!--><img src=//x>-->",
        "<!--[if mso]><img src=//x><![endif]-->",
        "<![CDATA[><img src=//x>]]>",
        "<?x ><img src=//x>",
        "<a\n" * 5000,
        "<p <b>x</b>",
    ],
)
def test_html_that_runs_or_fetches_is_refused(markup: str) -> None:
    assert any("may not stand in a mail" in text for text in said(flaws(html=HTML.replace("SAYS", markup))))


def test_words_of_people_are_no_markup_in_words_of_managers_either() -> None:
    words = Words("s {{ title }}", *says("{{ reason }} {{ name|upper }} {{ name|default('x') }}").values())
    hostile = examples("offer", NOW)[4]
    mail = COMPOSER.say(hostile, NOW, words)
    assert "<b>" not in mail.html.lower().replace("<bdi>", "").replace("<body", "")
    assert "&LT;B&GT;ANA" in mail.html.upper()


def test_text_and_html_that_differ_are_worth_a_look() -> None:
    found = flaws(html=OFFER.html.replace("Good news:", "Bad news:"))
    assert [flaw.warning for flaw in found] == [True]
    assert said(found)[0].startswith("The text says this, the HTML does not: Good news: we offer")


def test_a_mail_that_does_not_say_by_when_is_worth_a_look() -> None:
    bare = {
        "text": "Peace Incentive Fund. {{ link }} Demonstration",
        "html": "<p>Peace Incentive Fund. <a href='{{ link }}'>x</a> Demonstration</p>",
    }
    found = flaws("reminder", subject="x", **bare)
    assert {flaw.said for flaw in found} == {"It does not say by when it is due"}
    assert all(flaw.warning for flaw in found)


def test_a_mail_to_sign_in_keeps_its_code() -> None:
    assert (
        said(flaws("sign_in", text="{{ link }} Peace Incentive Fund Demonstration"))[0]
        == "The code is missing: {{ code }}"
    )


@settings(max_examples=15)
@given(st.text(max_size=300), st.sampled_from(["subject", "text", "html"]))
def test_no_text_breaks_the_check(text: str, part: str) -> None:
    checking.check(COMPOSER, "offer", "en", replace(OFFER, **{part: text}), [], NOW)
