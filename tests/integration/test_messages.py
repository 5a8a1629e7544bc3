"""Messages of the service that wait: gathered while a way does not work, each way for itself; the daily summary (S1.14)."""
import os
import re
import signal
import socket
import time

from alertd import PATIENCE, change, mail_by, people


def test_what_waits_comes_as_one_message(service, hosted, postfix, webhook):
    """Never a flood: a mail server that was away for long gets one message, of all that was, over a kill too."""
    people(service, 1)
    postfix.stop()
    ways = dict(webhook=webhook.url, webhook_ca_file=webhook.ca)
    service.configure(hosted.url, hosted.token, alerts=mail_by(postfix, pause="1s", **ways))
    service.start().synced()
    service.spoil()
    webhook.wait(PATIENCE, lambda j: j["raised"])
    service.mend()
    webhook.wait(PATIENCE, lambda j: j["event"] == "well")
    os.rename(service.dir.path, service.dir.path + ".away")
    service.raised("source-incomplete")
    webhook.wait(PATIENCE, lambda j: j["raised"])
    os.rename(service.dir.path + ".away", service.dir.path)
    webhook.wait(PATIENCE, lambda j: j["event"] == "well")
    service.wait(lambda: len(service.events("message-failed")) >= 3)
    service.raised("notify-failed")
    service.agent.secret("token", "wrong")
    change(service)
    refused = service.raised("target-refusing")
    webhook.wait(PATIENCE, lambda j: j["raised"])
    service.stop(signal.SIGKILL)
    service.start()
    failed = len(service.events("message-failed"))
    service.wait(lambda: len(service.events("message-failed")) > failed)
    postfix.start()
    service.configure(hosted.url, "wrong", alerts=mail_by(postfix, pause="2s", **ways))
    service.reload()        # a changed configuration tries at once
    m = postfix.wait(PATIENCE)
    text = m.get_content()
    assert "the target refuses us (target hosted)" in m["Subject"] and f"alert    {refused['id']}, [target-refusing]" in text
    came = " ".join(text.split("Came and went meanwhile:")[1].split())
    assert re.match(r"- the configuration is refused: configuration \(20\S+ to 20\S+\) - the directory could not be read: source company \(20", came), text
    service.wait(lambda: [e for e in service.events("message-sent") if e["way"] == "mail"])
    service.synced()
    assert postfix.arrived() == []
    # from now on as ever; that mail failed, the webhook alone tells
    webhook.wait(PATIENCE, lambda j: "notify-failed" in [a["code"] for a in j["cleared"]])
    service.agent.secret("token", hosted.token)
    service.reload()
    m = postfix.wait(PATIENCE)
    assert "all is well again" in m["Subject"] and "Cleared:\n  - the target refuses us: target hosted" in m.get_content()
    webhook.wait(PATIENCE, lambda j: j["event"] == "well")
    service.synced()
    assert postfix.arrived() == []
    assert "well" not in [j["event"] for _, j in webhook.posts]


class Hanging:
    """A server that takes a request and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/hook"
        self.client = None

    def asked(self):
        """Waits for a request."""
        self.socket.settimeout(PATIENCE)
        self.client, _ = self.socket.accept()
        self.client.settimeout(PATIENCE)
        assert self.client.recv(4) == b"POST"

    def is_waited_for(self):
        """The client still hopes for an answer."""
        self.client.setblocking(False)
        try:
            while self.client.recv(65536):
                pass
        except BlockingIOError:
            return True
        return False


def test_a_webhook_that_hangs_does_not_hold_up_mail(service, hosted, postfix):
    """Each way sends by itself."""
    hook = Hanging()
    people(service, 1)
    service.configure(hosted.url, hosted.token, alerts=mail_by(postfix, webhook=hook.url, pause="1s"))
    service.start().synced()
    service.spoil()
    postfix.wait(PATIENCE)
    hook.asked()
    service.mend()
    assert "all is well again" in postfix.wait(PATIENCE)["Subject"]
    assert hook.is_waited_for()


def test_the_summary_knows_runs_of_before_a_restart_and_says_since_when(service, hosted, webhook):
    people(service, 3)
    service.configure(hosted.url, hosted.token, every="1h",
                      alerts=f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" daily = "00:00"')
    service.start()
    service.wait(service.ended)
    for _ in range(3):
        service.agent.run("sync", "mail")
    service.wait(lambda: len(service.ended()) >= 4)
    service.stop(signal.SIGKILL)
    assert webhook.posts == []      # wanted since now: the next midnight
    service.memory("UPDATE way SET daily = daily - 3 * 86400")
    service.start()
    m = webhook.wait(PATIENCE, lambda j: j["event"] == "daily")[1]
    since = time.strftime("Since %Y-%m-%dT", time.gmtime(time.time() - 3 * 86400))
    line = next(x for x in m["text"].splitlines() if x.startswith("  mail: "))
    assert int(line.split()[1]) >= 4 and line.endswith(" 0 of them not well; 3 changes") and since in m["text"], m["text"]
    assert "hosted: in lockstep; 3 users, 0 groups" in m["text"], m["text"]
