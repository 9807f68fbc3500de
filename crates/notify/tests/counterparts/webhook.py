"""Reads a request as JSON ({"headers": …, "body": …, "secrets": […]}) and has the libraries of Standard Webhooks and
CloudEvents judge it; prints what they read."""

import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

request = json.load(sys.stdin)
body = request["body"]


def verifies(secret, body):
    try:
        Webhook(secret).verify(body, request["headers"])
        return True
    except WebhookVerificationError:
        return False


message = HTTPMessage(headers=request["headers"], body=body.encode())
event = from_structured(message, JSONFormat())
print(
    json.dumps(
        {
            "verified": [verifies(secret, body) for secret in request["secrets"]],
            "changed": [verifies(secret, body + " ") for secret in request["secrets"]],
            "id": event.get_id(),
            "source": event.get_source(),
            "type": event.get_type(),
            "time": event.get_time().isoformat(),
            "alert": event.get_data()["alert"],
        }
    )
)
