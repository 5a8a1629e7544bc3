"""A directory of a few people as one LDIF file, for tests that care about the target."""
import base64
import os
import uuid

BASE = "DC=example,DC=test"


class SmallDirectory:
    def __init__(self, path):
        self.path, self.entries = str(path), {}
        self.ou = self._entry("People", "OU=People," + BASE, objectClass="organizationalUnit", ou="People")

    def _entry(self, name, dn, **attributes):
        guid = uuid.uuid5(uuid.NAMESPACE_DNS, name)
        self.entries[name] = dict(attributes, dn=dn, objectGUID=guid)
        return str(guid)

    def user(self, name, **attributes):
        """Returns the entry's id, which is its externalId at a target."""
        more = {"mail": f"{name}@example.test", "sAMAccountName": name, "userAccountControl": "512", **attributes}
        return self._entry(name, f"CN={name},OU=People,{BASE}", objectClass="user", cn=name, **more)

    def group(self, name, *members, **attributes):
        dns = [self.entries[m]["dn"] for m in members]
        return self._entry(name, f"CN={name},OU=People,{BASE}", objectClass="group", cn=name, sAMAccountName=name,
                           member=dns, **attributes)

    def set(self, name, **attributes):
        self.entries[name].update(attributes)

    def drop(self, name):
        del self.entries[name]

    def write(self):
        """Appears whole, as the manual wants it."""
        out = []
        for entry in self.entries.values():
            lines = ["dn: " + entry["dn"]]
            for key, value in entry.items():
                if key == "objectGUID":
                    lines.append("objectGUID:: " + base64.b64encode(value.bytes_le).decode())
                elif key != "dn" and value is not None:
                    lines += [f"{key}: {v}" for v in (value if isinstance(value, list) else [value])]
            out.append("\n".join(lines) + "\n")
        with open(self.path + ".new", "w") as f:
            f.write("\n".join(out))
        os.rename(self.path + ".new", self.path)
        return self

    def source(self):
        return f"type = \"ldif\"  file = \"{self.path}\"  base = '{BASE}'"
