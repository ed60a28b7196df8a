"""A mail server for tests: aiosmtpd, from Debian's python3-aiosmtpd.

smtpd.py MODE CERTIFICATE FOLDER USER PASSWORD prints its port, takes letters from
USER alone and writes each as a JSON file. MODE is starttls, tls or none.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, folder, user, password = sys.argv[1:]


def check(server, session, envelope, mechanism, data):
    good = mechanism in ("LOGIN", "PLAIN") and data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False)


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        letter = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode(),
            "signed": session.authenticated,
            "tls": mode == "tls" or session.ssl is not None,
        }
        path = pathlib.Path(folder)
        part = path / "part"
        part.write_text(json.dumps(letter))
        part.rename(path / f"{self.count}.json")
        return "250 taken"


def smtp():
    return SMTP(
        Handler.only,
        hostname="127.0.0.1",
        tls_context=context if mode == "starttls" else None,
        require_starttls=mode == "starttls",
        authenticator=check,
        auth_required=True,
        auth_require_tls=mode == "starttls",
    )


async def main():
    server = await asyncio.get_running_loop().create_server(
        smtp, "127.0.0.1", 0, ssl=context if mode == "tls" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


Handler.only = Handler()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate)
asyncio.run(main())
