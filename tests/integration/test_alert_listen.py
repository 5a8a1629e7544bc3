"""Where the service should listen and cannot, from the real thing to the alert and back (N8). Beside test_alert_causes.py,
since both wait for the service's minutes."""
import os
import socket

from agentd import Talk
from alertd import people
from ports import free_port
from test_alert_causes import all_is_well, says


def test_n8_console_and_control_socket_cannot_be_where_they_should(service, hosted):
    """Told while it is so; as soon as they can, they are, and nobody need do anything."""
    port, folder = free_port(), service.agent.path("other")
    people(service, 2)
    service.configure(hosted.url, hosted.token)
    with socket.create_server(("127.0.0.1", port)):
        with open(folder, "w"):      # a file where the folder should be
            pass
        service.start().synced()
        with open(service.conf) as f:
            text = f.read().replace('enabled = "no"', f"port = {port}").replace(service.agent.path("control"), f"{folder}/control")
        with open(service.conf, "w") as f:
            f.write(text)
        service.reload()
        service.wait(lambda: len([a for a in service.alerts() if a["code"] == "cannot-listen"]) == 2)
        by = {a["object"]: a for a in service.alerts()}
        says(by["console"], "console", f"127.0.0.1:{port}", "ss -lntpx", "warning")
        says(by["control socket"], "control socket", folder, "`control` of the configuration", "warning")
        assert len(service.events("console-down")) == len(service.events("control-failed")) == 1, "once, however often it is tried"
    os.unlink(folder)
    service.cleared("cannot-listen")
    all_is_well(service)
    assert Talk(f"{folder}/control").ask(ask="status")
    assert "http://127.0.0.1:%d/?link=" % port in Talk(f"{folder}/control").ask(ask="console")["url"]
