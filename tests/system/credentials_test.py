#!/usr/bin/env python3
"""Keys by LoadCredential= and LoadCredentialEncrypted=, in a booted machine: read though they belong to
root alone, or lie there encrypted.

usage: credentials_test.py BUILD_FOLDER
"""

import pathlib
import ssl
import sys
import tempfile

from harness.netns import on_host
from harness.processes import Scene, run
from service_restart_test import property_of
from systemd_service_test import install
from testhost import Host, Network, why_impossible

PORT = 8443
RELAY = f"""relay:
  listen: [ "wss://0.0.0.0:{PORT}" ]
  key: credential:relay.key
  certificate: credential:cert.pem
  certificate-key: credential:cert.key
"""
PLAIN = """[Service]
LoadCredential=relay.key:/etc/relayd/secret/relay.key
LoadCredential=cert.pem:/etc/relayd/secret/cert.pem
LoadCredential=cert.key:/etc/relayd/secret/cert.key
"""
ENCRYPTED = PLAIN.replace("LoadCredential=relay.key:/etc/relayd/secret/relay.key",
                          "LoadCredentialEncrypted=relay.key:/etc/relayd/relay.key.cred")


def configure(host, text):
    host.run("mkdir", "-p", "/etc/systemd/system/relayd.service.d")
    host.write_now("/etc/systemd/system/relayd.service.d/credentials.conf", text.encode())
    host.run("systemctl", "daemon-reload")


def the_key_is(host, public_line):
    assert property_of(host, "ActiveState") == "active"
    said = host.run("journalctl", "-b", "-u", "relayd", "-o", "cat").stdout
    fingerprint = run("ssh-keygen", "-l", "-f", public_line).stdout.split()[1]
    assert f"key {fingerprint}" in said, (fingerprint, said)


def the_certificate_is(network, certificate):
    with on_host(network, "relay"):
        shown = ssl.get_server_certificate(("127.0.0.1", PORT))
    assert shown.strip() == certificate.read_text().strip()


def steps(scene, network, host, folder):
    configure(host, "")
    assert host.run("systemctl", "start", "relayd", check=False).returncode != 0
    said = host.run("journalctl", "-b", "-u", "relayd", "-o", "cat").stdout
    assert 'no credential "relay.key"' in said and "LoadCredential=relay.key:" in said, said
    scene.fact("a credential that is missing is told, with the line that passes it")
    configure(host, PLAIN)
    host.run("systemctl", "start", "relayd")
    the_key_is(host, folder / "relay.key.pub")
    the_certificate_is(network, folder / "cert.pem")
    refused = host.run("setpriv", "--reuid=relayd", "--regid=relayd", "--clear-groups", "cat",
                       "/etc/relayd/secret/relay.key", check=False)
    assert refused.returncode != 0
    scene.fact("a key that only root may read serves, by LoadCredential=")
    # As the manual says, on this machine without a TPM.
    host.run("systemd-creds", "encrypt", "--with-key=host", "--name=relay.key",
             "/etc/relayd/secret/relay.key", "/etc/relayd/relay.key.cred")
    host.run("rm", "/etc/relayd/secret/relay.key")
    configure(host, ENCRYPTED)
    host.run("systemctl", "restart", "relayd")
    the_key_is(host, folder / "relay.key.pub")
    assert "PRIVATE KEY" not in host.read("/etc/relayd/relay.key.cred")
    scene.fact("an encrypted key serves, by LoadCredentialEncrypted=")


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with Scene() as scene, tempfile.TemporaryDirectory() as name, Network("relay") as network, \
            Host("relay", network) as host:
        folder = pathlib.Path(name)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "relay.key")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=relay",
            "-keyout", folder / "cert.key", "-out", folder / "cert.pem")
        install(build, host.layer)
        host.write("/etc/relayd/relayd.yaml", RELAY)
        for file in ("relay.key", "cert.key", "cert.pem"):
            host.write(f"/etc/relayd/secret/{file}", (folder / file).read_text(), 0o600)
        (host.layer / "etc/relayd/secret").chmod(0o700)
        host.boot()
        host.run("systemd-sysusers")
        try:
            steps(scene, network, host, folder)
        except BaseException:
            print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout)
            raise


if __name__ == "__main__":
    main()
