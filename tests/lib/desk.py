"""A company in an LDIF file, lockstep-cloud, and lockstepd that keeps them in lockstep, set up through the console's API."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from cloud_fixtures import Cloud  # noqa: E402
from company import Company  # noqa: E402
from console import Console  # noqa: E402

BASE = "DC=example,DC=test"


class Desk:
    def __init__(self, folder, people=250, user=None):
        self.folder = str(folder)
        os.makedirs(os.path.join(self.folder, "company"))
        Company(people, 1).write(os.path.join(self.folder, "company"), 0)
        self.file = os.path.join(self.folder, "company", "000-company.ldif")
        self.cloud = Cloud(self.folder).start()
        self.client = self.cloud.tenant("acme")
        self.url = f"http://127.0.0.1:{self.cloud.port}/scim/v2"
        self.console = Console(self.folder, user=user).start()

    def stop(self):
        self.console.stop()
        self.cloud.stop()

    def answers(self, **scope):
        return {"target": {"name": "hosted", "url": self.url}, "source": {"name": "directory", "type": "ldif", "file": self.file},
                "sync": {"name": "mail", "scope": scope}}

    def set_up(self, **scope):
        c = self.console.sign_in()
        c.post("setup", {"answers": self.answers(**scope), "secrets": {"token": self.client.token}})
        c.post("setup/save", {})
        c.synced()
        return self

    # --- the directory's file ---

    def edit(self, change):
        with open(self.file, "rb") as f:
            records = f.read().rstrip(b"\n").split(b"\n\n")
        records = change(records)
        with open(self.file + ".new", "wb") as f:
            f.write(b"\n\n".join(records) + b"\n\n")
        os.rename(self.file + ".new", self.file)

    def drop_people(self, count):
        def change(records):
            people = [r for r in records if b"\nemployeeID:" in r.replace(b"\n ", b"")]
            gone = people[:count]
            return [r for r in records if r not in gone]
        self.edit(change)

    def add(self, name, *lines):
        guid = re.sub(r"\W", "_", name).encode().ljust(16, b"_")[:16]
        import base64
        self.edit(lambda records: records + ["\n".join([
            f"dn: CN={name},OU=People,{BASE}", "objectClass: user", f"objectGUID:: {base64.b64encode(guid).decode()}",
            f"sAMAccountName: {name.replace(' ', '.').lower()}", f"cn: {name}", "userAccountControl: 512", *lines]).encode()])

    def change(self, name, *lines):
        """More lines to somebody's record."""
        start = f"dn: CN={name},".encode()
        self.edit(lambda records: [r + b"\n" + "\n".join(lines).encode() if r.startswith(start) else r for r in records])
