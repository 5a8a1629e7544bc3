#!/usr/bin/python3
"""What needs Samba's own Python modules: in a process of its own, since they keep global state.

  samba_offline.py provision DIR REALM ADDRESS PASSWORD     with DIR/etc/smb.conf
  samba_offline.py recyclebin DIR
"""
import logging
import os
import sys

import ldb
from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.param import LoadParm
from samba.provision import FILL_FULL, provision as samba_provision
from samba.samdb import SamDB


def load_conf(folder):
    lp = LoadParm()
    lp.load(os.path.join(folder, "etc", "smb.conf"))
    return lp


def provision(folder, realm, address, password):
    """A new domain. Without the ACLs of sysvol, which nobody here reads and which would want a user id or two."""
    samba_provision(
        logging.getLogger("provision"), system_session(), smbconf=os.path.join(folder, "etc", "smb.conf"), targetdir=folder,
        samdb_fill=FILL_FULL, realm=realm, domain=realm.split(".")[0], hostname="dc1", hostip=address, adminpass=password,
        dns_backend="SAMBA_INTERNAL", serverrole="active directory domain controller",
        dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2, lp=load_conf(folder), use_rfc2307=True, skip_sysvolacl=True,
        base_schema="2012_R2", backend_store="mdb")


def recyclebin(folder):
    """Only the system itself may enable it: not over LDAP."""
    sam = SamDB(url=os.path.join(folder, "private", "sam.ldb"), session_info=system_session(), lp=load_conf(folder))
    msg = ldb.Message()
    msg.dn = ldb.Dn(sam, "")
    target = f"CN=Partitions,{sam.get_config_basedn()}:766ddcd8-acd0-445e-f3b9-a7f9b6744f2a"
    msg["e"] = ldb.MessageElement(target, ldb.FLAG_MOD_ADD, "enableOptionalFeature")
    sam.modify(msg)


if __name__ == "__main__":
    {"provision": provision, "recyclebin": recyclebin}[sys.argv[1]](*sys.argv[2:])
