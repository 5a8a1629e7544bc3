"""Servers that take a message in bad ways: a web server whose answers are told byte by byte, a mail server that refuses."""
import socket
import threading


class Bad:
    """One thread for each connection; self.clients counts them."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.clients, self.ended = self.socket.getsockname()[1], 0, threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.clients += 1
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        try:
            with client:
                self.talk(client, client.makefile("rb"))
        except OSError:
            pass    # the other side has enough

    def close(self):
        self.ended.set()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class BadHook(Bad):
    """Answers every request with head, then with more without end; None: never."""

    def __init__(self, head, more=None, pause=0):
        self.head, self.more, self.pause = head, more, pause
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def talk(self, client, lines):
        while lines.readline() not in (b"\r\n", b""):
            pass
        if self.head is None:
            self.ended.wait()
        client.sendall(self.head or b"")
        while self.more and not self.ended.wait(self.pause):
            client.sendall(self.more)


class BadMail(Bad):
    """answers: what it says to a command, by its beginning ("RCPT TO:<it@", "STARTTLS", "." for the end of a message);
    None: nothing, ever; False: it goes. messages counts what came whole."""

    def __init__(self, answers=None, tls=False):
        self.tls, self.answers, self.messages = tls, answers or {}, 0
        super().__init__()
        self.url = f"smtp://127.0.0.1:{self.port}"

    def say(self, client, line, usual):
        answer = next((a for start, a in self.answers.items() if line.startswith(start)), usual)
        if answer is None:
            self.ended.wait()
        if not answer:
            raise OSError("gone")
        client.sendall(answer.encode() + b"\r\n")

    def talk(self, client, lines):
        usual = {"EHLO": "250-bad\r\n250-STARTTLS\r\n250 SIZE 1000000" if self.tls else "250 bad", "DATA": "354 go on", "QUIT": "221 bye"}
        self.say(client, "banner", "220 bad")
        for line in lines:
            line = line.decode("latin1").rstrip("\r\n")
            self.say(client, line, usual.get(line.split(" ")[0], "250 ok"))
            if line == "DATA" and "DATA" not in self.answers:
                while lines.readline() not in (b".\r\n", b""):
                    pass
                self.messages += 1
                self.say(client, ".", "250 queued")
