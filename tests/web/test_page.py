"""Rendering, flash messages, static files."""

import gzip
import re

import pytest
from jinja2 import StrictUndefined, TemplateNotFound, UndefinedError

from fund.web import flash, page, static
from fund.web.container import NavEntry
from fund.web.i18n import lazy


def test_a_page_has_its_title_its_language_and_one_main(client):
    text = client.get("/plain").text
    assert "<title>A plain page – Peace Incentive Fund</title>" in text
    assert '<html lang="en" dir="ltr">' in text
    assert text.count("<main ") == 1
    assert '<a class="skip" href="#main">' in text


def test_a_wrong_form_answers_422_and_says_so_in_the_title(client):
    answer = client.post("/save", data={"title": " "})
    assert answer.status_code == 422
    assert "<title>Error: A plain page – Peace Incentive Fund</title>" in answer.text


def test_what_is_undefined_is_never_shown_as_nothing(client):
    with pytest.raises(UndefinedError, match="nothing_of_that_name"):
        page.ENVIRONMENT.get_template("sink/undefined.html").render(
            page.page_context(_request(client), page.Viewer.anonymous())
        )
    assert page.ENVIRONMENT.undefined is StrictUndefined


def _request(client):
    return page.Request(
        {"type": "http", "app": client.app, "headers": [], "path": "/", "query_string": b"", "state": {}}
    )


@pytest.mark.parametrize(
    "name", ["web/nothing.html", "nothing/layout.html", "web/../../app.py", "../web/layout.html", "x"]
)
def test_only_templates_are_templates(name):
    with pytest.raises(TemplateNotFound):
        page.ENVIRONMENT.get_template(name)


def test_every_template_of_the_layer_can_be_read():
    names = [name for name in page.RoomLoader().list_templates() if name.startswith("web/")]
    assert {"web/layout.html", "web/macros.html", "web/demo_bar.html", "web/errors/conflict.html"} <= set(
        names
    )
    for name in names:
        page.ENVIRONMENT.get_template(name)


def test_what_people_type_is_escaped():
    template = page.ENVIRONMENT.from_string("{{ text }}{% set inner %}{{ text }}{% endset %}{{ inner }}")
    assert template.render(text="<script>") == "&lt;script&gt;&lt;script&gt;"


@pytest.mark.parametrize(
    ("who", "entries"),
    [
        ("", ["Calls for proposals", "Lessons", "Sign in"]),
        ("amina", ["Calls for proposals", "My proposals", "Lessons", "Amina Example"]),
        ("manager", ["Calls for proposals", "My proposals", "Pipeline", "Lessons", "Manager"]),
    ],
)
def test_everybody_sees_the_ways_that_are_theirs(clients, who, entries):
    nav = re.search(r'<nav class="nav nav-wide".*?</nav>', clients(who).get("/sink").text, re.DOTALL).group(0)
    assert re.findall(r"<a href[^>]*>([^<]+)</a>", nav) == entries
    assert ("Sign out" in nav) is bool(who)
    assert nav.count('aria-current="page"') == 1


@pytest.mark.parametrize(
    ("path", "entry", "current"),
    [
        ("/rounds", "/rounds", True),
        ("/rounds/2021", "/rounds", True),
        ("/roundsabout", "/rounds", False),
        ("/", "/", True),
        ("/rounds", "/", False),
    ],
)
def test_the_way_that_one_is_on_is_marked(path, entry, current):
    assert NavEntry("x", entry).current(path) is current


def test_moments_are_shown_in_the_readers_zone(clients):
    assert (
        '<time datetime="2021-09-21T08:00:00Z">21 September 2021, 11:00</time>'
        in clients("amina").get("/sink").text
    )
    assert (
        '<time datetime="2021-09-21T08:00:00Z">21 September 2021, 08:00</time>' in clients().get("/sink").text
    )


def test_a_message_is_said_once_after_a_redirect(client):
    answer = client.post("/save", data={"title": "Radio"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/plain")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert "Your changes are saved." in client.get("/plain").text
    assert "Your changes are saved." not in client.get("/plain").text


def test_no_stranger_puts_words_into_our_mouth(client):
    client.cookies.set("flash", "<b>You won</b>")
    text = client.get("/plain").text
    assert "You won" not in text
    assert 'role="status"' not in text


def test_a_message_has_one_meaning():
    assert flash.register("test.once", lazy("Once.")) == "test.once"
    assert flash.register("test.once", lazy("Once.")) == "test.once"
    with pytest.raises(ValueError, match=r"test\.once"):
        flash.register("test.once", lazy("Twice."))
    with pytest.raises(KeyError):
        page.redirect("/plain", done="test.unknown")


def test_the_demonstration_says_that_it_is_one(clients):
    sentence = "Demonstration: amounts, dates, people and texts are illustrative."
    demo, real = clients(with_demo=True), clients()
    for path in ("/plain", "/nowhere", "/fail/broken"):
        assert sentence in demo.get(path).text
        assert "emonstration" not in real.get(path).text
    bar = re.search(r'<aside class="demo".*?</aside>', demo.get("/plain").text, re.DOTALL).group(0)
    assert re.findall(r'action="([^"]+)"', bar) == [
        "/demo/be/1",
        "/demo/be/2",
        "/demo/move/day",
        "/demo/move/next",
    ]
    assert 'href="/demo/mails">3 mails</a>' in bar


def test_static_files_are_kept_for_ever_under_the_hash_of_their_content(client):
    address = static.static_url("fund.css")
    assert re.fullmatch(r"/static/fund\.[0-9a-f]{12}\.css", address)
    answer = client.get(address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "Cookie" not in answer.headers["vary"]
    assert answer.content == static.assets()["fund.css"].body


def test_static_files_come_compressed_to_those_who_can_read_it(client):
    address = static.static_url("fund.css")
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


def test_a_changed_file_has_another_address(tmp_path):
    addresses = set()
    for number, content in enumerate(("a{b:c}", "a{b:d}")):
        folder = tmp_path / str(number) / "vendor"
        folder.mkdir(parents=True)
        (folder / "x.css").write_text(content)
        addresses.add(static.assets(folder.parent)["vendor/x.css"].url)
    assert len(addresses) == 2
    assert all(address.startswith("/static/vendor/x.") for address in addresses)


@pytest.mark.parametrize("path", ["fund.css", "fund.000000000000.css", "../page.py", "%2e%2e/page.py", ""])
def test_nothing_else_is_a_static_file(client, path):
    assert client.get(f"/static/{path}").status_code == 404


def test_a_template_cannot_point_to_a_file_that_is_not_there():
    with pytest.raises(KeyError):
        static.static_url("nothing.css")


def test_the_icon_answers_under_its_usual_name(client):
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("a { b: c; }\n/* why */\n.d > e { f: g }", "a{b:c;}.d > e{f:g}"),
        (":root { --x: 1px; } .top :focus-visible { a: b }", ":root{--x:1px;}.top :focus-visible{a:b}"),
        ('p::after { content: " (" attr(href) ")"; }', 'p::after{content:" (" attr(href) ")";}'),
        (
            "@media (min-width: 2rem) { a { b: calc(1px + 2px); } }",
            "@media (min-width: 2rem){a{b:calc(1px + 2px);}}",
        ),
    ],
)
def test_a_style_sheet_loses_only_what_nobody_reads(written, sent):
    assert static.squeezed(written.encode()).decode() == sent


def test_the_style_sheet_is_light():
    sheet = static.assets()["fund.css"]
    assert len(sheet.body) <= 25_000
    assert len(sheet.compressed) <= 8_000
    assert gzip.decompress(sheet.compressed) == sheet.body
    assert b"url(" not in sheet.body
    assert b"@import" not in sheet.body


def test_the_style_sheet_knows_no_left_and_right():
    sheet = static.assets()["fund.css"].body.decode()
    sides, sizes = "left|right|top|bottom", "width|height"
    physical = (
        rf"(?:margin|padding|border)-(?:{sides}):|(?<![-\w.])(?:{sides}|{sizes}):|float: ?(?:left|right)"
    )
    assert re.findall(physical, re.sub(r"@media[^{]*", "", sheet)) == []


def test_a_first_page_is_light(clients):
    answer = clients(with_demo=True).get("/plain")
    first = len(gzip.compress(answer.content, 6)) + len(static.assets()["fund.css"].compressed)
    assert first < 12_000


def test_pages_hold_no_script_and_no_style_of_their_own(clients):
    for path in ("/sink", "/sink?wrong=1", "/fail/conflict", "/fail/broken"):
        text = clients(with_demo=True).get(path).text
        assert (
            re.findall(r"<script|<style|\sstyle=|\son\w+=|javascript:|https?://(?!www\.w3\.org)", text) == []
        )


def test_what_is_translated_is_text_and_neither_markup_nor_a_format():
    shown = page.ENVIRONMENT.from_string(
        "{{ _(label) }} {{ _('%(name)s & co', name=label) }} {{ ngettext('%(num)s <b>', '%(num)s <b>s', 2) }}"
    )
    assert shown.render(label="<script>50%s</script>") == (
        "&lt;script&gt;50%s&lt;/script&gt; &lt;script&gt;50%s&lt;/script&gt; &amp; co 2 &lt;b&gt;s"
    )


def test_a_reason_of_the_engine_is_shown_in_the_readers_language():
    from workflows import Reason

    shown = page.ENVIRONMENT.from_string("{{ _(reason) }}")
    assert shown.render(reason=Reason("Wait for %(names)s.", names="<Ana>")) == "Wait for &lt;Ana&gt;."
