"""A mail server for tests: smtpd.py PORT CERTIFICATE KEY starttls|implicit. Takes the user «audit» with the password
«corr3ct-h0rse» and nobody else, and prints each mail as a line of JSON, as Python's own reader understands it."""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

# What it warns of is what the tests ask for.
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
port, certificate, key, way = sys.argv[1:]


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "tls": session.ssl is not None or way == "implicit",
                    "authenticated": session.authenticated,
                    "subject": mail["Subject"],
                    "message_id": mail["Message-ID"],
                    "defects": [str(d) for part in mail.walk() for d in part.defects]
                    + [str(d) for value in mail.values() for d in getattr(value, "defects", ())],
                    "types": [part.get_content_type() for part in mail.walk()],
                    "text": mail.get_body(("plain",)).get_content(),
                    "html": mail.get_body(("html",)).get_content(),
                    "longest": max(len(line) for line in envelope.content.split(b"\r\n")),
                }
            ),
            flush=True,
        )
        return "250 2.0.0 queued as 42"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.login == b"audit" and data.password == b"corr3ct-h0rse"
    return AuthResult(success=right, handled=False)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
usual = {"hostname": "127.0.0.1", "port": int(port), "authenticator": authenticate, "auth_required": True}
if way == "starttls":
    controller = Controller(Handler(), tls_context=context, require_starttls=True, **usual)
else:
    # aiosmtpd knows of STARTTLS only; with TLS from the beginning AUTH needs no other.
    controller = Controller(Handler(), ssl_context=context, auth_require_tls=False, **usual)
controller.start()
print(json.dumps("ready"), flush=True)
asyncio.new_event_loop().run_forever()
