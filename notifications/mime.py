"""A mail as bytes: text, HTML and at most one attachment.

Written here because building an ``email.message.EmailMessage`` costs several times what the whole sending of a
mail costs; the tests read every mail back with that class. Nothing that comes from people can add a header: control
characters become spaces before anything else happens.
"""

from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from functools import lru_cache
from hashlib import sha256
from unicodedata import bidirectional

LONGEST_LINE = 76
ENCODED_BYTES = 36
"""So many bytes make 60 signs in an encoded word, which leaves room for the header's name."""
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
# Whoever writes a name may not turn the direction of the text around it.
_DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
_UNSAFE = _CONTROLS | _DIRECTIONS


class BadAddress(ValueError):
    """No mail can be written to this address; the message shows it."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A small text file beside the mail."""

    name: str
    content_type: str
    content: bytes


def clean(value: str, longest: int = 300) -> str:
    """``value`` on one line, without control and direction characters, at most ``longest`` characters."""
    line = " ".join(_safe(value).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def turns(value: str) -> bool:
    """Whether a part of ``value`` runs from right to left."""
    return not value.isascii() and any(bidirectional(c) in ("R", "AL", "AN") for c in value)


def clean_lines(value: str) -> str:
    """``value`` with its line breaks, without other control and direction characters."""
    return "\n".join(_safe(line).rstrip() for line in value.strip().splitlines())


def _safe(line: str) -> str:
    return line if line.isprintable() else line.translate(_UNSAFE)


def address_header(name: str, address: str) -> str:
    """``name <address>`` as a header's value. Raises BadAddress."""
    checked = ascii_domain(address)
    shown = clean(name, 120)
    if not shown:
        return checked
    if _is_plain(shown):
        escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{checked}>'
    return f"{_encoded_words(shown)} <{checked}>"


def text_header(value: str) -> str:
    """Free text as a header's value."""
    line = clean(value)
    return line if _is_plain(line) else _encoded_words(line)


@lru_cache(maxsize=1024)
def ascii_domain(address: str) -> str:
    """``address`` with its domain as it is written in mail. Raises BadAddress for what is no single address."""
    local, _, domain = address.rpartition("@")
    bad = any(c.isspace() or c in '<>(),;:"[]\\' or c in _CONTROL_SET for c in address)
    if not local or not domain or bad or "@" in local or len(address) > 254:
        raise BadAddress(f"{address!r} is no mail address")
    if domain.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise BadAddress(f"{address!r} is no mail address") from error


_CONTROL_SET = frozenset(chr(code) for code in _UNSAFE)


def write(
    headers: Sequence[tuple[str, str]], text: str, html: str, seed: str, attachment: Attachment | None = None
) -> bytes:
    """The whole mail with CRLF line ends. ``seed`` (the Message-ID) names the parts.

    ``headers`` are in order, their values ASCII: ``text_header`` and ``address_header`` make them so.
    """
    mark = sha256(seed.encode()).hexdigest()[:24]
    both = _multipart(
        "alternative", f"=_a{mark}", [_text_part("text/plain", text), _text_part("text/html", html)]
    )
    if attachment is not None:
        both = _multipart("mixed", f"=_m{mark}", [both, _file_part(attachment)])
    lines = [_header(name, value) for name, value in headers]
    return "\n".join([*lines, "MIME-Version: 1.0", both]).replace("\n", "\r\n").encode()


def _header(name: str, value: str) -> str:
    """One header, folded. A value that spans lines was folded when it was encoded (its lines begin with a space)."""
    if "\n" in value or len(name) + len(value) + 2 <= LONGEST_LINE:
        return f"{name}: {value}"
    if " " not in value:
        return f"{name}:\n {value}"
    return f"{name}: {Header(value, 'us-ascii', maxlinelen=LONGEST_LINE, header_name=name).encode()}"


def _encoded_words(value: str) -> str:
    """``value`` as encoded words (RFC 2047), one a line, each of whole characters and at most 75 signs."""
    words, chunk = [], b""
    for letter in value:
        encoded = letter.encode()
        if len(chunk) + len(encoded) > ENCODED_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    words.append(chunk)
    return "\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)


def _is_plain(value: str) -> bool:
    """Whether it can stand in a header as it is. What looks encoded would be decoded by whoever reads it."""
    return value.isascii() and "=?" not in value


def _multipart(kind: str, boundary: str, parts: Sequence[str]) -> str:
    inside = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inside}--{boundary}--\n'


def _text_part(content_type: str, content: str) -> str:
    encoding, encoded = _encode(content.encode())
    return (
        f'Content-Type: {content_type}; charset="utf-8"\nContent-Transfer-Encoding: {encoding}\n\n{encoded}'
    )


def _file_part(attachment: Attachment) -> str:
    return (
        f"Content-Type: {attachment.content_type}\nContent-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="{attachment.name}"\n\n'
        + encodebytes(attachment.content).decode()
    )


def _encode(content: bytes) -> tuple[str, str]:
    """Quoted-printable as long as it stays readable, base64 for scripts that it would triple."""
    quoted = b2a_qp(content, istext=True).decode()
    if len(quoted) * 3 < len(content) * 4:
        return "quoted-printable", quoted
    return "base64", encodebytes(content).decode()
