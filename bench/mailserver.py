"""A mail server in a process of its own that takes everything: ``python -m bench.mailserver [FILE]``.

It keeps nothing, or in FILE what stands above each mail, with a line for its recipient.
"""

import asyncio
import sys
from typing import BinaryIO

from aiosmtpd.smtp import SMTP, Envelope


class Sink:
    """Takes every mail."""

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        """Keep the head of the mail, and say yes."""
        if self._file is not None:
            head, _end, _body = bytes(envelope.content or b"").partition(b"\r\n\r\n")
            self._file.write(b"X-Recipient: " + envelope.rcpt_tos[0].encode() + b"\r\n" + head + b"\r\n\r\n")
            self._file.flush()
        return "250 2.0.0 Taken"


async def serve() -> None:
    """Listen on a free port, say which, and go on until killed."""
    loop = asyncio.get_running_loop()
    sink = Sink(open(sys.argv[1], "ab") if len(sys.argv) > 1 else None)  # noqa: SIM115 - until killed
    server = await loop.create_server(lambda: SMTP(sink, loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
