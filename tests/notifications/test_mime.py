"""Mail as bytes, read back by the standard library; nothing that people type can add a header."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import mime
from notifications.mime import (
    Attachment,
    BadAddress,
    address_header,
    ascii_domain,
    clean,
    clean_lines,
    text_header,
)

HOSTILE = [
    "Ana\r\nBcc: everybody@example.org",
    "Ana\nBcc: everybody@example.org",
    "Ana\rBcc: everybody@example.org",
    "Ana\u2028Bcc: everybody@example.org",
    "Ana\x0b\x0c\x85Bcc: everybody@example.org",
    "Ñandú\r\n\r\n<script>",
    '"Ana" <evil@example.org>, x',
    "Ana\\",
    "=?utf-8?q?Ana=0ABcc:_x?=",
    "\x00",
]


def read(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=policy.default)


def written(subject: str = "S", name: str = "Ana", text: str = "T\n", html: str = "<p>T</p>\n") -> bytes:
    headers = [
        ("From", address_header("Fund", "fund@example.org")),
        ("To", address_header(name, "ana@example.org")),
        ("Subject", text_header(subject)),
    ]
    return mime.write(headers, text, html, "seed@example.org")


@pytest.mark.parametrize("words", HOSTILE)
def test_no_words_add_a_header_or_a_recipient(words: str) -> None:
    data = written(subject=words, name=words)
    mail = read(data)
    assert mail.keys() == ["From", "To", "Subject", "MIME-Version", "Content-Type"]
    assert [a.addr_spec for a in mail["To"].addresses] == ["ana@example.org"]
    assert mail.defects == []


@settings(max_examples=25)
@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_typed_the_mail_stays_one_mail(subject: str, name: str) -> None:
    mail = read(written(subject=subject, name=name))
    assert mail.keys() == ["From", "To", "Subject", "MIME-Version", "Content-Type"]
    assert [a.addr_spec for a in mail["To"].addresses] == ["ana@example.org"]


@given(st.text(st.characters(categories=["L", "N", "Zs", "Po"]), min_size=1, max_size=200))
def test_a_subject_comes_through_as_it_was(subject: str) -> None:
    line = clean(subject)
    read_back = str(read(written(subject=line))["Subject"])
    assert "".join(read_back.split()) == "".join(line.split())


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")))
def test_a_body_comes_through_as_it_was(text: str) -> None:
    mail = read(written(text=text + "\n"))
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == text + "\n"


@pytest.mark.parametrize("subject", ["x" * 400, "word " * 100, "ñ" * 400, "слово " * 80, "٣ أيام " * 40])
def test_no_line_of_a_mail_is_too_long(subject: str) -> None:
    data = written(subject=subject, text="long " * 1000 + "\n", html="<p>" + "ю" * 5000 + "</p>\n")
    head = data.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert all(len(line) <= 78 for line in head.split(b"\r\n")) or "x" * 100 in subject
    assert not re.search(rb"(?<!\r)\n", data)


def test_other_scripts_are_sent_compactly() -> None:
    latin, arabic = written(text="Bonjour à tous\n"), written(text="تذكير " * 200 + "\n")
    assert b"Content-Transfer-Encoding: quoted-printable\r\n\r\nBonjour =C3=A0 tous" in latin
    assert b'text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: base64' in arabic


def test_an_attachment_stands_beside_text_and_html() -> None:
    file = Attachment("deadline.ics", "text/calendar; charset=utf-8", b"BEGIN:VCALENDAR\r\n")
    mail = read(mime.write([("Subject", "S")], "T\n", "<p>T</p>\n", "seed", file))
    assert mail.get_content_type() == "multipart/mixed"
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("deadline.ics", "text/calendar")
    assert attached.get_payload(decode=True) == b"BEGIN:VCALENDAR\r\n"
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content() == "<p>T</p>\r\n"


def test_the_same_mail_has_the_same_bytes() -> None:
    assert written() == written()


@pytest.mark.parametrize(
    "address",
    ["", "ana", "@example.org", "ana@", "a b@example.org", "ana@example.org\r\nBcc: x@y.org", "<ana@example.org>",
     "ana@example.org,ben@example.org", "a@b@example.org", "ana@" + "x" * 260, "ana@\u202eexample.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        ascii_domain(address)


def test_a_domain_of_other_letters_is_written_as_mail_wants_it() -> None:
    assert ascii_domain("ana@bücher.example") == "ana@xn--bcher-kva.example"
    assert address_header("", "ana@example.org") == "ana@example.org"


def test_names_cannot_turn_the_text_around_them() -> None:
    assert clean("evil\u202egpj.exe\u2066x") == "evilgpj.exex"
    assert clean("  a \t b\n") == "a b"
    assert len(clean("x" * 1000)) == 300
    assert clean_lines("one\r\ntwo\u202e \n") == "one\ntwo"
    assert mime.turns("سلام")
    assert not mime.turns("Ñandú")
