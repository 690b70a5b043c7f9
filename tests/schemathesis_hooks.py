"""What schemathesis cannot make by itself: mails (message/rfc822), to the mailbox that tests/schemathesis makes."""

import json
import os

import schemathesis
from hypothesis import strategies as st

MAILBOX = os.environ["DESK_TRIED_MAILBOX"]

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60)
local_parts = st.from_regex(r"[a-z]{1,12}", fullmatch=True)


def mail(local_part: str, subject: str, text: str) -> bytes:
    """A mail as RFC 5322 has it, its body in UTF-8."""
    lines = [
        f"From: Ann <{local_part}@customers.example>",
        f"To: <{MAILBOX}>",
        f"Subject: {subject}",
        f"Message-ID: <{local_part}.{len(text)}@customers.example>",
        "Date: Sat, 31 Jan 2026 12:00:00 +0000",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
    ]
    return "\r\n".join(lines).encode()


# What is no mail at all is handed in as well.
schemathesis.openapi.media_type(
    "message/rfc822", st.builds(mail, local_parts, words, words) | st.binary(max_size=200)
)


@schemathesis.serializer("message/rfc822")
def as_it_is(_context, value) -> bytes:
    """What is tried in place of a mail goes out as it is."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.hook("before_call").apply_to(method="POST", path="/api/mail/inbound")
def to_the_mailbox(_context, case, _kwargs) -> None:
    """A mail that is right goes to the mailbox, with the key; one that is to be refused goes where it was to go."""
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.query = {**(case.query or {}), "mailbox": MAILBOX}
        case.headers.pop("X-Mailbox-Token", None)
