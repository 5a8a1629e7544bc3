"""What a person would do in a directory, for tests: add, change, rename, move, disable, remove.

Directory is the part of sambadc.SambaDC that speaks LDAP: over LDAPS with the
certificate verified, as the administrator unless told otherwise.
"""
import time
import uuid

import ldap
import ldap.controls
import ldap.modlist

SHOW_DELETED = "1.2.840.113556.1.4.417"


def _values(v):
    if v is None:
        return []
    if isinstance(v, (str, bytes, int)):
        v = [v]
    return [x if isinstance(x, bytes) else str(x).encode() for x in v]


IDLE = 20            # seconds after which a kept connection is tried before it is used: Samba drops idle ones


class Directory:
    """Needs of its subclass: url, ca, admin, admin_password, account, account_password, base."""
    _conn, _used = None, 0

    def connect(self, user="", password=None, url=None):
        """A connection of its own. user None: anonymous; "": the administrator; else with its password."""
        conn = ldap.initialize(url or self.url)
        conn.set_option(ldap.OPT_REFERRALS, 0)
        conn.set_option(ldap.OPT_NETWORK_TIMEOUT, 60)
        conn.set_option(ldap.OPT_TIMEOUT, 120)
        conn.set_option(ldap.OPT_X_TLS_CACERTFILE, self.ca)
        conn.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        conn.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if user is not None:
            conn.simple_bind_s(user or self.admin, password if user else self.admin_password)
        return conn

    def connect_account(self):
        """As the least-privilege account."""
        return self.connect(self.account, self.account_password)

    @property
    def conn(self):
        """The administrator's connection, kept between calls; made anew when the server dropped it meanwhile."""
        if self._conn is not None and time.monotonic() - self._used > IDLE and not self._alive():
            self.close()
        if self._conn is None:
            self._conn = self.connect()
        self._used = time.monotonic()
        return self._conn

    def _alive(self):
        try:
            self._conn.search_s("", ldap.SCOPE_BASE, attrlist=["1.1"])
            return True
        except ldap.LDAPError:
            return False

    def close(self):
        if self._conn is not None:
            try:
                self._conn.unbind_s()
            except ldap.LDAPError:
                pass
            self._conn = None

    # -- reading
    def search(self, flt="(objectClass=*)", base=None, attrs=None, scope=ldap.SCOPE_SUBTREE, conn=None, deleted=False):
        """[(dn, {attr: [bytes]})]; referrals left out."""
        controls = [ldap.controls.RequestControl(SHOW_DELETED, True)] if deleted else None
        ask = lambda c: c.search_ext_s(self.base if base is None else base, scope, flt, attrs, serverctrls=controls)
        try:
            found = ask(conn or self.conn)
        except ldap.SERVER_DOWN:
            if conn:
                raise
            self.close()             # a restart, say; a read may be repeated, a change may not
            found = ask(self.conn)
        return [(dn, a) for dn, a in found if dn is not None]

    def read(self, dn, attrs=None):
        return self.search(base=dn, attrs=attrs, scope=ldap.SCOPE_BASE)[0][1]

    def guid(self, dn):
        """objectGUID as the text that Windows shows: the externalId."""
        return str(uuid.UUID(bytes_le=self.read(dn, ["objectGUID"])["objectGUID"][0]))

    def by_guid(self, guid):
        """The DN an object has now, deleted or not."""
        raw = "".join(f"\\{b:02x}" for b in uuid.UUID(guid).bytes_le)
        return self.search(f"(objectGUID={raw})", deleted=True, attrs=["1.1"])[0][0]

    def root(self):
        return self.search(base="", attrs=["*", "+"], scope=ldap.SCOPE_BASE)[0][1]

    # -- writing
    def add(self, dn, **attrs):
        self.conn.add_s(dn, [(a, _values(v)) for a, v in attrs.items() if v is not None])
        return dn

    def add_ou(self, name, parent=None):
        return self.add(f"OU={ldap.dn.escape_dn_chars(name)},{parent or self.base}", objectClass="organizationalUnit", ou=name)

    def add_user(self, sam, parent=None, cn=None, enabled=True, **attrs):
        """A user with mail and name; more attributes, or others, by keyword (None: leave out)."""
        cn = cn or attrs.get("displayName") or sam
        facts = dict(objectClass="user", sAMAccountName=sam, displayName=cn, mail=f"{sam}@{self.dns}",
                     userPrincipalName=f"{sam}@{self.dns}", userAccountControl=544 if enabled else 546)
        facts.update(attrs)
        return self.add(f"CN={ldap.dn.escape_dn_chars(cn)},{parent or 'CN=Users,' + self.base}", **facts)

    def add_group(self, name, parent=None, members=(), **attrs):
        facts = dict(objectClass="group", sAMAccountName=name, groupType=-2147483640)
        facts.update(attrs)
        if members:
            facts["member"] = list(members)
        return self.add(f"CN={ldap.dn.escape_dn_chars(name)},{parent or 'CN=Users,' + self.base}", **facts)

    def modify(self, dn, **attrs):
        """Sets attributes; None or [] removes them."""
        self.conn.modify_s(dn, [(ldap.MOD_REPLACE, a, _values(v) or None) for a, v in attrs.items()])

    def add_members(self, group, *members):
        self.conn.modify_s(group, [(ldap.MOD_ADD, "member", _values(members))])

    def remove_members(self, group, *members):
        self.conn.modify_s(group, [(ldap.MOD_DELETE, "member", _values(members))])

    def rename(self, dn, name):
        """A new name in the same place; returns the new DN."""
        kind = dn.split("=", 1)[0]
        rdn = f"{kind}={ldap.dn.escape_dn_chars(name)}"
        self.conn.rename_s(dn, rdn)
        return f"{rdn},{self.parent(dn)}"

    def move(self, dn, parent):
        rdn = dn[:len(dn) - len(self.parent(dn)) - 1]
        self.conn.rename_s(dn, rdn, parent)
        return f"{rdn},{parent}"

    @staticmethod
    def parent(dn):
        i = 0
        while dn[i] != ",":
            i += 2 if dn[i] == "\\" else 1
        return dn[i + 1:]

    def disable(self, dn):
        self._uac(dn, 2, True)

    def enable(self, dn):
        self._uac(dn, 2, False)

    def _uac(self, dn, bit, on):
        now = int(self.read(dn, ["userAccountControl"])["userAccountControl"][0])
        self.modify(dn, userAccountControl=now | bit if on else now & ~bit)

    def expire(self, dn, when=116444736000000000):
        """accountExpires in 100 ns since 1601; by default long ago."""
        self.modify(dn, accountExpires=when)

    def delete(self, dn):
        """Returns the objectGUID, by which undelete() finds it."""
        guid = self.guid(dn)
        self.conn.delete_s(dn)
        return guid

    def undelete(self, guid, dn):
        """Restores a deleted object under a DN (not with the Recycle Bin on: Samba 4.17 refuses)."""
        self.conn.modify_ext_s(self.by_guid(guid), [
            (ldap.MOD_DELETE, "isDeleted", None), (ldap.MOD_REPLACE, "distinguishedName", [dn.encode()])],
            serverctrls=[ldap.controls.RequestControl(SHOW_DELETED, True)])
        return dn

    def apply(self, path):
        """Change records of an LDIF file, one after another; the first refusal is raised with its DN."""
        import ldif
        for dn, kind, pairs in ldif.records(path):
            try:
                self._apply(dn, kind or "add", pairs, ldif)
            except ldap.LDAPError as e:
                raise RuntimeError(f"{path}: {dn}: {kind}: {e}") from e

    def _apply(self, dn, kind, pairs, ldif):
        if kind == "add":
            attrs = {}
            for a, v in pairs:
                attrs.setdefault(a, []).append(v)
            self.conn.add_s(dn, list(attrs.items()))
        elif kind == "delete":
            self.conn.delete_s(dn)
        elif kind == "modrdn":
            how = dict(pairs)
            self.conn.rename_s(dn, how["newrdn"].decode(), how["newsuperior"].decode() if "newsuperior" in how else None)
        else:
            ops, mods, group = dict(add=ldap.MOD_ADD, delete=ldap.MOD_DELETE, replace=ldap.MOD_REPLACE), [], []
            for pair in pairs:
                if pair[0] != "-":
                    group.append(pair)
                    continue
                mods.append((ops[group[0][0]], group[0][1].decode(), [v for _, v in group[1:]] or None))
                group = []
            self.conn.modify_s(dn, mods)
