"""A token server for a registry, by the distribution project's specification of its token authentication.

    server.py ADDRESS-FILE

It listens on a port of loopback that the kernel chooses, and writes 127.0.0.1:PORT into the file. Its one user and that
user's password come from the environment: TOKEN_USER, TOKEN_PASSWORD. Standard library only, so the signature (RS256:
RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017) is computed here.
"""

import base64
import hashlib
import json
import os
import sys
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
# What DER puts before a SHA-256 digest in a signature.
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
# In seconds; a minute is the least that the specification has clients expect.
LIFETIME = 60
REALM = "Basic realm=\"the token server\""


def der(path):
    lines = path.read_text().splitlines()
    return base64.b64decode("".join(line for line in lines if not line.startswith("-----")))


def integers(data):
    """The integers of a DER sequence of nothing else, as an RSA private key is one (RFC 8017, A.1.2)."""
    def element(at):
        length, at = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at:at + size], "big"), at + size
        return at, at + length
    at, end = element(0)
    result = []
    while at < end:
        start, at = element(at)
        result.append(int.from_bytes(data[start:at], "big"))
    return result


_, MODULUS, _, EXPONENT, *_ = integers(der(HERE / "key.pem"))
CERTIFICATE = base64.b64encode(der(HERE / "certificate.pem")).decode()


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims):
    header = {"typ": "JWT", "alg": "RS256", "x5c": [CERTIFICATE]}
    message = ".".join(text(json.dumps(part).encode()) for part in (header, claims))
    digest = SHA256_PREFIX + hashlib.sha256(message.encode()).digest()
    size = (MODULUS.bit_length() + 7) // 8
    padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    signature = pow(int.from_bytes(padded, "big"), EXPONENT, MODULUS).to_bytes(size, "big")
    return f"{message}.{text(signature)}"


def access(scopes):
    """What scopes such as `repository:NAME:pull,push` ask for."""
    parts = [scope.rsplit(":", 1) for texts in scopes for scope in texts.split()]
    entries = [(*what.split(":", 1), actions) for what, actions in parts]
    return [{"type": kind, "name": name, "actions": actions.split(",")} for kind, name, actions in entries]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        user, is_known = self.user()
        if not is_known:
            self.reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or password"}]})
            return
        now = int(time.time())
        granted = access(query.get("scope", [])) if user else []
        token = signed({
            "iss": "lab", "sub": user, "aud": query.get("service", [""])[0], "jti": str(uuid.uuid4()),
            "iat": now, "nbf": now - 5, "exp": now + LIFETIME, "access": granted,
        })
        self.reply(200, {"token": token, "expires_in": LIFETIME})

    def do_POST(self):
        """Refuses OAuth's way, so that clients that try it first go on to the other."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply(405, {"errors": [{"code": "UNSUPPORTED", "message": "ask by GET"}]})

    def user(self):
        """Who asks, and whether that is so; nobody is a user without a name."""
        given = self.headers.get("Authorization", "")
        if not given:
            return "", True
        account = f"{os.environ['TOKEN_USER']}:{os.environ['TOKEN_PASSWORD']}"
        expected = "Basic " + base64.b64encode(account.encode()).decode()
        return os.environ["TOKEN_USER"], given == expected

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", REALM)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main(address_file):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Whoever waits for the file finds it whole.
    new = Path(f"{address_file}.new")
    new.write_text(f"127.0.0.1:{server.server_port}\n")
    new.rename(address_file)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
