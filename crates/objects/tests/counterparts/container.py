"""Makes the container «audit» in azurite: python container.py PORT ACCOUNT KEY. Shared Key, standard library only."""

import base64
import email.utils
import hashlib
import hmac
import http.client
import sys

port, account, key = sys.argv[1:]
date = email.utils.formatdate(usegmt=True)
path = f"/{account}/audit"
headers = f"x-ms-date:{date}\nx-ms-version:2021-12-02\n"
# the emulator's account is in the path, and once more in what is signed
signed = "PUT" + "\n" * 12 + headers + f"/{account}{path}\nrestype:container"
mac = hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()
connection = http.client.HTTPConnection("127.0.0.1", int(port))
connection.request(
    "PUT",
    f"{path}?restype=container",
    headers={
        "x-ms-date": date,
        "x-ms-version": "2021-12-02",
        "Authorization": f"SharedKey {account}:{base64.b64encode(mac).decode()}",
        "Content-Length": "0",
    },
)
answer = connection.getresponse()
assert answer.status == 201, (answer.status, answer.read())
