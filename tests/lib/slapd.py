"""A slapd of one's own: a folder, a process, an administrator, an account that only reads; OpenLDAP from Debian."""
import os
import shutil
import signal
import subprocess
import time

import ldap
import ldap.modlist

from certs import make_ca, make_certificate
from ports import free_port

BASE = "dc=example,dc=test"
ADMIN = f"cn=admin,{BASE}"
READER = f"cn=reader,{BASE}"
PASSWORD, READER_PASSWORD = "of the admin", "of the reader"


def b(*values):
    return [v if isinstance(v, bytes) else str(v).encode() for v in values]


class Slapd:
    """sessionlog: entries, None = none; syncprov: False leaves the overlay out; limits: of the reader;
    more: lines of slapd.conf."""

    def __init__(self, folder, sessionlog=1000, syncprov=True, limits="size=unlimited time=unlimited", access="read", more=""):
        self.folder, self.process, self.admin = str(folder), None, None
        self.syncprov, self.sessionlog, self.limits, self.access, self.more = syncprov, sessionlog, limits, access, more
        self.url, self.plain_url = f"ldaps://127.0.0.1:{free_port()}", f"ldap://127.0.0.1:{free_port()}"
        self.ca = os.path.join(self.folder, "ca.pem")
        os.makedirs(os.path.join(self.folder, "db"))
        make_ca(self.folder)
        make_certificate(os.path.join(self.folder, "tls"), self.folder, ["DNS:localhost", "IP:127.0.0.1"])

    # what Source() needs to know of a directory
    base, account, account_password = BASE, READER, READER_PASSWORD

    def configure(self):
        schema = "".join(f"include /etc/ldap/schema/{n}.schema\n" for n in ("core", "cosine", "nis", "inetorgperson"))
        overlay = "overlay syncprov\n" + (f"syncprov-sessionlog {self.sessionlog}\n" if self.sessionlog else "")
        with open(os.path.join(self.folder, "slapd.conf"), "w") as f:
            f.write(f"""{schema}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile {self.folder}/pid
{self.more}TLSCACertificateFile {self.folder}/ca.pem
TLSCertificateFile {self.folder}/tls/cert.pem
TLSCertificateKeyFile {self.folder}/tls/key.pem
database mdb
suffix "{BASE}"
rootdn "{ADMIN}"
rootpw "{PASSWORD}"
directory {self.folder}/db
maxsize 67108864
dbnosync
index objectClass,entryUUID,entryCSN eq
access to attrs=userPassword by anonymous auth by dn.exact="{READER}" {"read" if self.access == "passwords" else "none"} by * none
access to * by dn.exact="{READER}" {"none" if self.access == "none" else "read"} by * none
limits dn.exact="{READER}" {self.limits}
{overlay if self.syncprov else ""}""")

    def start(self):
        self.configure()
        self.process = subprocess.Popen(["/usr/sbin/slapd", "-d", "0", "-f", os.path.join(self.folder, "slapd.conf"),
                                         "-h", f"{self.url} {self.plain_url}"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 180
        while True:
            try:
                self.admin = ldap.initialize(self.plain_url)
                self.admin.simple_bind_s(ADMIN, PASSWORD)
                return self
            except ldap.LDAPError:
                assert self.process.poll() is None and time.monotonic() < deadline, "slapd does not come up"
                time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=180)

    def restart(self, **settings):
        self.stop()
        for name, value in settings.items():
            setattr(self, name, value)
        return self.start()

    def fill(self):
        """The tree's top, the reader, two OUs."""
        self.add(BASE, objectClass=["top", "domain"], dc="example")
        self.add(READER, objectClass=["organizationalRole", "simpleSecurityObject"], cn="reader", userPassword=READER_PASSWORD)
        for ou in ("People", "Groups"):
            self.add(f"ou={ou},{BASE}", objectClass="organizationalUnit", ou=ou)
        return self

    def add(self, dn, **attrs):
        self.admin.add_s(dn, [(k, b(*(v if isinstance(v, list) else [v]))) for k, v in attrs.items()])
        return dn

    def person(self, uid, ou=f"ou=People,{BASE}", **attrs):
        given = {"cn": f"{uid.title()} Test", "sn": "Test", "mail": f"{uid}@example.test", **attrs}
        return self.add(f"uid={uid},{ou}", objectClass=["inetOrgPerson"], uid=uid, **given)

    def group(self, cn, *members):
        return self.add(f"cn={cn},ou=Groups,{BASE}", objectClass="groupOfNames", cn=cn, member=list(members))

    def modify(self, dn, **attrs):
        """Replaces; None deletes."""
        self.admin.modify_s(dn, [(ldap.MOD_REPLACE, k, b(*(v if isinstance(v, list) else [v])) if v is not None else None)
                                 for k, v in attrs.items()])

    def rename(self, dn, rdn, new_parent=None):
        self.admin.rename_s(dn, rdn, new_parent)
        return f"{rdn},{new_parent or dn.split(',', 1)[1]}"

    def delete(self, dn):
        self.admin.delete_s(dn)

    def id(self, dn):
        return self.admin.search_s(dn, ldap.SCOPE_BASE, attrlist=["entryUUID"])[0][1]["entryUUID"][0].decode()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
