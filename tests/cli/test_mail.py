"""``fund mail test``: a mail over the server that is set, and one line about whatever is wrong."""

import ssl
import subprocess

import pytest

from tests.support.smtp import Mailbox

ANA = "ana@example.org"


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> tuple[ssl.SSLContext, str]:
    """What a server needs to speak TLS as 127.0.0.1, and the file that makes clients believe it."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key", folder / "certificate"
    names = ("-subj", "/CN=mailbox.test", "-addext", "subjectAltName=IP:127.0.0.1")
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    command = ["openssl", "req", "-x509", *kind, *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, str(certificate)


@pytest.fixture
def over(fund, monkeypatch):
    """Runs ``fund mail test`` over a mailbox, with settings of its own."""

    def run(mailbox, address=ANA, **settings):
        chosen = {"smtp_host": mailbox.host, "smtp_port": str(mailbox.port), **settings}
        for name, value in chosen.items():
            monkeypatch.setenv(f"FUND_{name.upper()}", value)
        return fund("mail", "test", address)

    return run


def test_a_test_mail_goes_out_and_the_answer_is_shown(over, mailbox, data):
    said = over(mailbox, mail_from="grants@fund.example", contact="mira@fund.example")
    assert (said.code, said.errors) == (0, [])
    assert said.out == f"127.0.0.1:{mailbox.port} took the mail for {ANA}: 250 2.0.0 Taken\n"
    (mail,) = mailbox.messages
    assert (mail.sender, mail.recipient) == ("grants@fund.example", ANA)
    assert mail.subject == "Test mail from Peace Incentive Fund"
    assert mail.header("Reply-To") == "mira@fund.example"
    assert str(mailbox.port) in mail.text
    assert str(mailbox.port) in mail.html
    assert not data.exists()


@pytest.mark.parametrize(
    ("code", "step", "advice"),
    [
        (550, "RCPT", "The server refuses for good. Check the address"),
        (451, "RCPT", "The server asks to come back later"),
        (553, "MAIL", "Check FUND_MAIL_FROM"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(over, mailbox, code, step, advice):
    mailbox.refuse(code=code, text="Not so", step=step)
    said = over(mailbox)
    assert (said.code, said.out, len(said.errors)) == (1, "", 1)
    assert f"{code} Not so. " in said.errors[0]
    assert advice in said.errors[0]


def test_no_address_no_host_nobody_there(over, mailbox):
    assert over(mailbox, "nobody").errors == ["fund: Enter an email address like name@example.org"]
    nowhere = over(mailbox, smtp_host="mail.invalid")
    assert (nowhere.code, len(nowhere.errors)) == (2, 1)
    assert nowhere.errors[0].endswith("No host has this name. Check FUND_SMTP_HOST.")
    mailbox.down()
    refused = over(mailbox)
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "Nothing listens there. Check FUND_SMTP_HOST and FUND_SMTP_PORT" in refused.errors[0]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_over_tls_with_a_login(over, tls, security, monkeypatch):
    context, certificate = tls
    with Mailbox(context=context, security=security, login=("fund", "secret")) as mailbox:
        known = {"smtp_security": security, "smtp_user": "fund", "smtp_password": "secret"}
        unknown = over(mailbox, **known)
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        taken, wrong = over(mailbox, **known), over(mailbox, **known | {"smtp_password": "guessed"})
        assert len(mailbox.messages) == 1
    assert taken.code == 0
    assert taken.out.endswith(f" took the mail for {ANA}: 250 2.0.0 Taken\n")
    assert "No safe connection came about. Check FUND_SMTP_SECURITY" in unknown.errors[-1]
    assert "The login did not work. Check FUND_SMTP_USER" in wrong.errors[-1]
    assert (unknown.code, wrong.code) == (2, 2)
    assert "guessed" not in "".join(wrong.errors)


def test_a_server_without_tls_or_login_gets_no_mail(over, mailbox):
    assert "Check FUND_SMTP_SECURITY" in over(mailbox, smtp_security="starttls").errors[0]
    without = over(mailbox, smtp_security="none", smtp_user="fund", smtp_password="secret")
    assert "Check FUND_SMTP_USER" in without.errors[0]
    assert mailbox.messages == []


def test_a_server_that_wants_a_login_says_so(over, tls, monkeypatch):
    context, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with Mailbox(context=context, login=("fund", "secret")) as mailbox:
        said = over(mailbox, smtp_security="starttls")
    assert said.code == 1
    assert "whether the server wants a login" in said.errors[-1]
