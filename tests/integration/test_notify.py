"""lockstep-notify and `lockstep alerts test`: mail through a real Postfix, a webhook with TLS (S1.14, I9)."""
import json
import os
import socket
import subprocess
import threading

import pytest

from agent_fixtures import BIN
from badservers import BadHook, BadMail
from ports import free_port

TEXT = "Änne Müller has no mail address.\n" + "x" * 200 + "\nThe end. \n.\n..\nFrom here on.\n"


def notify(message, code=0, said=None):
    """said: it has something to say; else only where it failed."""
    done = subprocess.run([os.path.join(BIN, "lockstep-notify")], input=json.dumps(message), capture_output=True, text=True, timeout=200)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == (1 if code or said else 0), lines
    return lines[0] if lines else None


def mail(postfix, **more):
    return {"way": "mail", "smtp": postfix.url, "from": "lockstep@sync1.example.test", "to": ["ops@example.test"],
            "ca_file": postfix.ca, "subject": "[Lockstep sync1] CRITICAL: Störung — das Verzeichnis antwortet seit heute früh nicht mehr",
            "text": TEXT, **more}


def received(message):
    return " ".join(message.get_all("Received")[-1].split())


def test_a_mail_arrives_whole_over_starttls(postfix):
    sent = mail(postfix)
    notify(sent)
    m = postfix.wait()
    assert m["Subject"] == sent["subject"] and m["From"] == "Lockstep <lockstep@sync1.example.test>"
    assert m.get_content() == TEXT and m.get_content_charset() == "utf-8"
    assert m["Auto-Submitted"] == "auto-generated" and m["Message-ID"] and m["Date"].datetime.utcoffset() is not None
    assert "with ESMTPS id" in received(m) and not m.defects
    assert m["Return-Path"] == "<lockstep@sync1.example.test>"


def test_login_over_smtps(postfix, tmp_path):
    password = tmp_path / "password"
    password.write_text(postfix.PASSWORD + "\n")
    password.chmod(0o600)
    login = dict(smtp=postfix.tls_url, user=postfix.USER, password_file=str(password))
    notify(mail(postfix, **login))
    assert "with ESMTPSA id" in received(postfix.wait())
    assert "smtps://" in notify(mail(postfix, smtp=postfix.tls_url), code=1)     # not signed on: refused
    password.write_text("wrong\n")
    assert "smtp_password_file" in notify(mail(postfix, **login), code=1)
    password.chmod(0o644)
    line = notify(mail(postfix, **login), code=1)
    assert "can be read by others" in line and "chmod 600" in line
    assert postfix.arrived() == []


def test_nothing_goes_in_the_clear_to_elsewhere(postfix):
    notify(mail(postfix, smtp=postfix.plain_url, ca_file=None))        # to this machine it may
    assert "with ESMTP id" in received(postfix.wait())
    assert "STARTTLS" in notify(mail(postfix, smtp=postfix.plain_url), code=1)    # not where a certificate is asked for
    # any other host: a server that offers no STARTTLS gets nothing of it
    said = []
    server = socket.create_server(("0.0.0.0", 0))

    def serve():
        c, _ = server.accept()
        with c, c.makefile("rwb") as f:
            f.write(b"220 hello\r\n")
            f.flush()
            for line in f:
                said.append(line)
                f.write(b"250 fine\r\n")
                f.flush()
    threading.Thread(target=serve, daemon=True).start()
    mine = [a for a in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if "." in a]
    if mine:
        line = notify(mail(postfix, smtp=f"smtp://{mine[0]}:{server.getsockname()[1]}", ca_file=None), code=1)
        assert "STARTTLS" in line
        assert not [x for x in said if not x.upper().startswith((b"EHLO", b"QUIT"))], said
    server.close()
    assert postfix.arrived() == []


def test_certificates_are_verified(postfix, webhook):
    line = notify(mail(postfix, ca_file=webhook.ca), code=1)
    assert "certificate" in line and "ca_file" in line
    assert "ca_file" in notify({"way": "webhook", "url": webhook.url, "ca_file": postfix.ca, "json": {}}, code=1)
    assert postfix.arrived() == [] and webhook.posts == []


def test_one_address_that_is_gone_does_not_keep_it_from_the_others(postfix):
    line = notify(mail(postfix, to=["gone@example.test", "it@example.test", "ops@example.test"]), said=True)
    assert "not taken for gone@example.test (550 " in line and "it@" not in line and "ops@" not in line
    assert postfix.wait()["To"] == "gone@example.test, it@example.test, ops@example.test"
    assert "gone@example.test (550 5.1.1" in notify(mail(postfix, to=["gone@example.test"]), code=1)


@pytest.mark.parametrize("bad", [{"to": ["ops@example.test\r\nRCPT TO:<it@example.test>"]}, {"from": "a@b>\r\nX: y"}, {"to": []},
                                 {"smtp": "http://127.0.0.1"}, {"smtp": None}, {"way": "pigeon"}, {"user": "x"}])
def test_hostile_or_wrong_input_sends_nothing(postfix, bad):
    notify(mail(postfix, **bad), code=1)
    assert postfix.arrived() == []


def test_a_subject_brings_no_header(postfix):
    notify(mail(postfix, subject="x\r\nBcc: it@example.test\r\n\r\nbody", text="y\n"))
    m = postfix.wait()
    assert m["Bcc"] is None and m.get_content() == "y\n" and m["Subject"].startswith("x  Bcc: it@example.test")


def test_a_server_that_does_not_answer_is_given_up(postfix):
    port = free_port()
    assert f"smtp://127.0.0.1:{port}" in notify(mail(postfix, smtp=f"smtp://127.0.0.1:{port}"), code=1)


def test_webhook(webhook, tmp_path):
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    token.chmod(0o600)
    hook = {"way": "webhook", "url": webhook.url, "ca_file": webhook.ca, "token_file": str(token), "json": {"event": "test", "text": "ä"}}
    notify(hook)
    head, body = webhook.wait()
    assert body == hook["json"] and head["Authorization"] == "Bearer t0ken" and head["Content-Type"] == "application/json"
    for status in 302, 404, 500:
        webhook.status = status
        assert str(status) in notify(hook, code=1)
    assert len(webhook.posts) == 3      # no redirection is followed
    assert "https://" in notify(dict(hook, url=webhook.url.replace("https://127.0.0.1", "http://192.0.2.1")), code=1)
    token.write_text("a\nb\n")
    assert "more than one line" in notify(hook, code=1)


@pytest.mark.parametrize("head, more, pause", [
    (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0), (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nok", None, 0),
    (b"HTTP/1.1 202 Yes\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", None, 0), (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 1000 + b"\r\n", 0)])
def test_s1_14_a_webhook_that_took_it_is_not_asked_again(head, more, pause):
    """Whatever becomes of the rest of its answer: 2xx means that it was taken, and what has no end is not read."""
    with BadHook(head, more, pause) as hook:
        notify({"way": "webhook", "url": hook.url, "json": {"event": "test"}})
        assert hook.clients == 1


@pytest.mark.parametrize("head, more, words", [
    (b"HTTP/1.1 500 Oh\r\n\r\n", b"<h1>" * 5000, ["answers 500", "<h1>"]), (b"", None, ["ended the connection without an answer"]),
    (b"HTTP/1.1 429 Slow\r\nRetry-After: 100\r\nContent-Length: 4\r\n\r\nslow", None, ["answers 429: slow"]),
    (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", None, ["answers 401", "webhook_token_file"]),
    (b"HTTP/1.1 307 There\r\nLocation: https://chat.example.test/hooks/s3cret\r\nContent-Length: 0\r\n\r\n", None,
     ["answers 307: to https://chat.example.test/...", "redirections are not followed"]),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n", ["broke off"])])
def test_s1_14_a_webhook_that_did_not_take_it(head, more, words):
    """What it was is said, short, and without what may be a secret."""
    with BadHook(head, more) as hook:
        line = notify({"way": "webhook", "url": hook.url, "json": {"event": "test"}}, code=1)
    assert all(w in line for w in words) and len(line) < 400 and "s3cret" not in line, line


@pytest.mark.parametrize("answers, tls, words", [
    ({"STARTTLS": "454 TLS not available"}, True, ["454 TLS not available", "nothing is sent in the clear"]),
    ({"RCPT": "450 4.2.0 try later"}, False, ["ops@example.test (450 4.2.0 try later), it@example.test (450 "]),
    ({"DATA": "451 not now"}, False, ["451 not now"]), ({".": "552 5.3.4 too big"}, False, ["refuses the message", "552 5.3.4 too big"]),
    ({".": False}, False, ["broke off"])])
def test_s1_14_a_mail_server_that_refuses(answers, tls, words):
    """Its own words are told, and at whose name."""
    with BadMail(answers, tls) as server:
        message = {"way": "mail", "smtp": server.url, "from": "l@example.test", "to": ["ops@example.test", "it@example.test"],
                   "subject": "s", "text": "t\n"}
        line = notify(dict(message, ca_file="/etc/ssl/certs/ca-certificates.crt") if tls else message, code=1)
    assert all(w in line for w in words) and "RCPT TO" not in line, line


def test_alerts_test_tries_every_way(postfix, webhook, agent, smallcloud_conf):
    smallcloud_conf(f'alerts {{ mail_to = {{"ops@example.test"}} mail_from = "l@example.test" smtp = "{postfix.url}" smtp_ca_file = "{postfix.ca}" '
                    f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" }}')
    done = agent.run("alerts", "test")
    assert done.stdout == "mail: sent\nwebhook: sent\n"
    assert "a test" in postfix.wait()["Subject"] and webhook.wait()[1]["event"] == "test"
    smallcloud_conf(f'alerts {{ mail_to = {{"ops@example.test", "gone@example.test"}} mail_from = "l@example.test" smtp = "{postfix.url}" '
                    f'smtp_ca_file = "{postfix.ca}" webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" }}')
    assert agent.run("alerts", "test").stdout.startswith("mail: sent, but not taken for gone@example.test (550 ")
    postfix.wait()
    postfix.stop()
    done = agent.run("alerts", "test", code=1)
    assert "mail: " in done.stderr and done.stdout == "webhook: sent\n"
    smallcloud_conf("")
    assert "No way is configured" in agent.run("alerts", "test").stdout
    assert agent.run("alerts").stdout == "No alert is open.\n"
    assert agent.json("alerts") == {"alerts": []}
    assert "agent.db" in agent.run("alerts", "seen", "3", code=1).stderr


@pytest.fixture
def smallcloud_conf(agent, tmp_path):
    """A configuration whose target is never asked."""
    def write(more):
        token = agent.secret("token", "t")
        (tmp_path / "company.ldif").write_text("")
        with open(agent.conf, "w") as f:
            f.write(f'state = "{agent.path("state")}"\nsource "company" {{ type = "ldif" file = "{tmp_path}/company.ldif" base = "DC=x" }}\n'
                    f'target "hosted" {{ type = "scim" url = "http://127.0.0.1:1/scim/v2" token_file = "{token}" }}\n'
                    f'sync "mail" {{ from = "company" to = "hosted" }}\n{more}\n')
    return write
