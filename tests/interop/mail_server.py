"""SMTP servers of others (aiosmtpd) that take what the desk sends: with TLS from the first byte on, with STARTTLS, with names
and passwords, and some that must not be trusted. mail_server.py PROGRAM; PROGRAM is the built mail-samples."""

import datetime
import ipaddress
import json
import logging
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import warnings
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "desk@shop.example", "pässwörd with = and \\ in it"


class Inbox:
    """Keeps what it takes, and who had signed in."""

    def __init__(self):
        self.taken = []

    async def handle_DATA(self, server, session, envelope):
        self.taken.append((envelope.content, envelope.mail_from, envelope.rcpt_tos, session.authenticated))
        return "250 OK"


def signs_in(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def certificate(name, subject_names, issuer=None):
    """A key and a certificate; its own when there is no issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
        .issuer_name(issuer[1].subject if issuer else subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True))
    if subject_names:
        builder = builder.add_extension(x509.SubjectAlternativeName(subject_names), critical=False)
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def context(folder, name, pair):
    path = folder / f"{name}.pem"
    path.write_bytes(
        pair[0].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
        + pair[1].public_bytes(serialization.Encoding.PEM))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def free_port():
    """aiosmtpd must be told one that is not 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(program):
    # What goes wrong here goes wrong on purpose, and that a session has TLS without STARTTLS is not known there.
    warnings.simplefilter("ignore")
    logging.disable()
    kept = tempfile.TemporaryDirectory()
    folder = pathlib.Path(kept.name)
    authority = certificate("authority", [])
    (folder / "authority.pem").write_bytes(authority[1].public_bytes(serialization.Encoding.PEM))
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    good = context(folder, "good", certificate("localhost", names, authority))
    other = context(folder, "other", certificate("other.example", [x509.DNSName("other.example")], authority))
    unknown = context(folder, "unknown", certificate("localhost", names))
    auth = {"authenticator": signs_in, "auth_required": True}
    servers = {
        "implicit": dict(ssl_context=good, auth_require_tls=False, **auth),
        "starttls": dict(tls_context=good, require_starttls=True, auth_require_tls=True, **auth),
        "open_starttls": dict(tls_context=good),
        "no_starttls": dict(),
        "other_name": dict(ssl_context=other),
        "unknown_authority": dict(tls_context=unknown, require_starttls=True),
    }
    inboxes, running, ports = {}, [], {}
    for name, options in servers.items():
        inboxes[name] = Inbox()
        controller = Controller(inboxes[name], hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        ports[name] = controller.port
    right, wrong = [USER, PASSWORD], [USER, "wrong"]
    plan = [
        ("implicit with name and password", "implicit", "tls", right, "sent"),
        ("STARTTLS with name and password", "starttls", "starttls", right, "sent"),
        ("STARTTLS without name and password", "open_starttls", "starttls", None, "sent"),
        ("a wrong password", "starttls", "starttls", wrong, "later"),
        ("a wrong password under implicit TLS", "implicit", "tls", wrong, "later"),
        ("no name where one is asked for", "implicit", "tls", None, "refused"),
        ("a server without STARTTLS", "no_starttls", "starttls", None, "later"),
        ("a certificate of another name", "other_name", "tls", None, "later"),
        ("an authority that nobody knows", "unknown_authority", "starttls", None, "later"),
        ("STARTTLS expected where TLS begins at once", "implicit", "starttls", right, "later"),
        ("TLS expected where none begins", "starttls", "tls", right, "later"),
    ]
    asked = [{"name": name, "port": ports[server], "security": security, "login": login}
             for name, server, security, login, _ in plan]
    (folder / "plan.json").write_text(json.dumps(asked))
    ran = subprocess.run([program, "send", folder / "plan.json"], capture_output=True, text=True,
                         env=os.environ | {"SSL_CERT_FILE": str(folder / "authority.pem")})
    for controller in running:
        controller.stop()
    faults = [ran.stderr] if ran.returncode else []
    answers = json.loads(ran.stdout) if not ran.returncode else {}
    for name, _, _, _, expected in plan:
        if answers.get(name, "nothing").split(":")[0] != expected:
            faults.append(f"{name}: {answers.get(name)}, expected {expected}")
    for server, count, signed_in in [("implicit", 1, True), ("starttls", 1, True), ("open_starttls", 1, False),
                                     ("no_starttls", 0, False), ("other_name", 0, False),
                                     ("unknown_authority", 0, False)]:
        taken = inboxes[server].taken
        if len(taken) != count:
            faults.append(f"{server} took {len(taken)} mails, expected {count}")
        for content, mail_from, to, authenticated in taken:
            message = message_from_bytes(content, policy=policy.default)
            if (mail_from, to) != ("help@shop.example", ["ann@x.example"]):
                faults.append(f"{server}: the envelope is {mail_from} {to}")
            if bool(authenticated) != signed_in:
                faults.append(f"{server}: signed in {authenticated}")
            if "left us on Monday" not in message.get_body(("plain",)).get_content():
                faults.append(f"{server}: another text")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"figure: mail_smtp_ways {len(plan)} ways")
    print(f"figure: mail_smtp_faults {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
