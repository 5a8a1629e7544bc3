"""Shared fixtures: each area has its own file, named here by one line."""
import signal

from samba_fixtures import samba_dc, samba_folder, samba_fresh, samba_pair  # noqa: F401
from fakeldap_fixtures import fake_ldap  # noqa: F401
from cloud_fixtures import acme, cloud  # noqa: F401
from agent_fixtures import agent, agentd  # noqa: F401
from source_ad_fixtures import fake_ad, password_file, source  # noqa: F401
from target_fixtures import start  # noqa: F401
from ldap_fixtures import connect, slapd  # noqa: F401
from scimmy_fixtures import scimmy  # noqa: F401
from notify_fixtures import hosted, postfix, postfix_instance, service, small_disk, webhook  # noqa: F401
from console_fixtures import bare, browser, c, clean, desk, new_desk  # noqa: F401

# A shell that starts tests in the background has them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
