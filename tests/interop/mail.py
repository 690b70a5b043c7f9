"""Makes keys, and reads and verifies the mails that were signed with them: mail.py keys|check FOLDER."""

import base64
import json
import pathlib
import sys
from email import message_from_bytes, policy

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


def keys(folder):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / "rsa.pem").write_bytes(pem)
    der = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "rsa.txt").write_text("v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode())
    private = ed25519.Ed25519PrivateKey.generate()
    (folder / "ed25519.b64").write_text(base64.b64encode(private.private_bytes_raw()).decode())
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    (folder / "ed.txt").write_text("v=DKIM1; k=ed25519; p=" + public)


def check(folder):
    records = {
        b"rsa._domainkey.shop.example.": (folder / "rsa.txt").read_bytes(),
        b"ed._domainkey.shop.example.": (folder / "ed.txt").read_bytes(),
    }
    mails, signed, faults = 0, 0, []
    for path in sorted(folder.glob("*.eml")):
        raw, expected = path.read_bytes(), json.loads(path.with_suffix(".json").read_text())
        found = list(differences(raw, expected))
        if expected["is_signed"]:
            signed += 1
            if not dkim.verify(raw, dnsfunc=lambda name, timeout=5: records.get(name)):
                found.append("the signature does not hold")
            broken = raw.replace(b"Subject: Re", b"Subject: No", 1)
            if dkim.verify(broken, dnsfunc=lambda name, timeout=5: records.get(name)):
                found.append("a changed mail still verifies")
        mails += 1
        faults += [f"{path.name}: {fault}" for fault in found]
    for fault in faults:
        print(fault, file=sys.stderr)
    kinds = {json.loads(path.read_text())["kind"] for path in folder.glob("*.json")}
    if kinds != {"reply", "automatic reply", "receipt", "link", "first mail"}:
        faults.append(f"the kinds are {sorted(kinds)}")
    print(f"figure: mail_kinds_read_by_python {len(kinds)} kinds")
    print(f"figure: mail_read_by_python {mails} mails")
    print(f"figure: mail_verified_by_dkimpy {signed} mails")
    print(f"figure: mail_interop_faults {len(faults)} faults")
    return 1 if faults or not mails or not signed else 0


def differences(raw, expected):
    message = message_from_bytes(raw, policy=policy.default)
    for part in message.walk():
        if part.defects:
            yield f"defects {part.defects}"
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    if text.rstrip("\n") != expected["text"].rstrip("\n"):
        yield f"text {text!r}"
    html = message.get_body(("html",)).get_content().replace("\r\n", "\n")
    if html.rstrip("\n") != expected["html"].rstrip("\n"):
        yield "html"
    if message["Message-ID"].strip() != expected["message_id"]:
        yield f"id {message['Message-ID']}"
    if len((message["References"] or "").split()) != expected["references"]:
        yield "references"
    if message["Subject"].replace("\r\n", " ").split() != expected["subject"].split():
        yield f"subject {message['Subject']!r}"
    if message["From"].addresses[0].display_name != expected["from_name"]:
        yield f"from {message['From']!r}"
    if message["Bcc"] is not None:
        yield "a header that nobody wrote"
    if message["Auto-Submitted"] != expected["auto_submitted"]:
        yield f"auto-submitted {message['Auto-Submitted']!r}"
    if (message["X-Auto-Response-Suppress"] == "All") != (expected["auto_submitted"] is not None):
        yield "whether others may answer it by themselves"
    if (message["In-Reply-To"] is None) != (expected["references"] == 0):
        yield f"in reply to {message['In-Reply-To']!r}"
    files = list(message.iter_attachments())
    if len(files) != int(expected["has_file"]):
        yield f"{len(files)} files"
    for file in files:
        if file.get_filename() != "Lämp ✓.pdf" or file.get_content() != b"%PDF\x00\xff\r\n.\r\n":
            yield f"file {file.get_filename()!r} {file.get_content()!r}"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[2])
    sys.exit(keys(folder) if sys.argv[1] == "keys" else check(folder))
