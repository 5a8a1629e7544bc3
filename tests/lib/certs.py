"""A certification authority of one's own, and certificates from it: by openssl."""
import os
import shutil
import subprocess


class CommandFailed(Exception):
    pass


def run(*argv, **kw):
    """Runs a command; its whole output is in the error."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=kw.pop("stdin", subprocess.DEVNULL),
                          **kw)
    if done.returncode:
        raise CommandFailed(f"{' '.join(argv[:4])}: exit {done.returncode}\n{done.stdout.decode(errors='replace')[-4000:]}")
    return done.stdout.decode(errors="replace")


def make_ca(folder):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
        "-subj", "/CN=Lockstep test CA", "-keyout", os.path.join(folder, "ca.key"), "-out", os.path.join(folder, "ca.pem"),
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def make_certificate(folder, ca_folder, names, days=825, use="serverAuth"):
    """key.pem, cert.pem (and ca.pem) in folder, for subjectAltNames such as DNS:dc1.example.test, IP:127.0.0.10."""
    os.makedirs(folder, exist_ok=True)
    path = lambda name: os.path.join(folder, name)
    with open(path("ext"), "w") as f:
        f.write(f"subjectAltName={','.join(names)}\nextendedKeyUsage={use}\nbasicConstraints=CA:FALSE\n")
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", f"/CN={names[0].split(':', 1)[1]}", "-keyout", path("key.pem"), "-out", path("csr"))
    run("openssl", "x509", "-req", "-in", path("csr"), "-CA", os.path.join(ca_folder, "ca.pem"),
        "-CAkey", os.path.join(ca_folder, "ca.key"), "-set_serial", str(int.from_bytes(os.urandom(8), "big")),
        "-days", str(days), "-extfile", path("ext"), "-out", path("cert.pem"))
    os.chmod(path("key.pem"), 0o600)
    if os.path.abspath(folder) != os.path.abspath(ca_folder):
        shutil.copy(os.path.join(ca_folder, "ca.pem"), path("ca.pem"))
    os.unlink(path("csr")), os.unlink(path("ext"))
