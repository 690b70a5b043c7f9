"""Checks what ours signed and wrote with other people's packages, and lets them sign the same for ours.

usage: check.py OURS THEIRS    reads the one file, writes the other
"""

import datetime
import json
import sys
import time

from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook, WebhookVerificationError


def main() -> None:
    ours = json.load(open(sys.argv[1], encoding="utf-8"))
    webhooks(ours["webhook"])
    slack(ours["slack"])
    for number, message in enumerate(ours["messages"]):
        blocks(number, message)
    theirs = {"webhook": sign_webhook(), "slack": sign_slack()}
    json.dump(theirs, open(sys.argv[2], "w", encoding="utf-8"))
    print(f"interop: others accept what ours signs, and {len(ours['messages'])} messages")


def webhooks(given) -> None:
    headers = {
        "webhook-id": given["id"],
        "webhook-timestamp": given["timestamp"],
        "webhook-signature": given["signature"],
    }
    for secret in given["secrets"]:
        Webhook(secret).verify(given["body"], headers)
        try:
            Webhook(secret).verify(given["body"] + " ", headers)
        except WebhookVerificationError:
            continue
        raise SystemExit("a delivery that was changed verifies")


def slack(given) -> None:
    verifier = SignatureVerifier(given["secret"])
    if not verifier.is_valid(given["body"], given["timestamp"], given["signature"]):
        raise SystemExit("slack_sdk does not accept what ours signs")


def blocks(number, message) -> None:
    parsed = Block.parse_all(message)
    if len(parsed) != len(message) or not 1 <= len(message) <= 50:
        raise SystemExit(f"message {number} has {len(message)} blocks, of which {len(parsed)} are known")
    for block in parsed:
        block.validate_json()
        if not block.to_dict():
            raise SystemExit(f"message {number} has an empty block")


def sign_webhook():
    secret, identity = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    now, body = datetime.datetime.now(tz=datetime.timezone.utc), '{"test": 2432232314, "text": "\u00e4"}'
    return {
        "secret": secret,
        "id": identity,
        "timestamp": str(int(now.timestamp())),
        "signature": Webhook(secret).sign(identity, now, body),
        "body": body,
    }


def sign_slack():
    secret, timestamp, body = "another secret", str(int(time.time())), "payload=%7B%22type%22%3A1%7D"
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    return {"secret": secret, "timestamp": timestamp, "signature": signature, "body": body}


if __name__ == "__main__":
    main()
