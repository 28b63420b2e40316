"""A mail server in a process of its own that takes everything and keeps nothing: ``python -m bench.mailserver``."""

import asyncio

from aiosmtpd.smtp import SMTP


class Sink:
    """Takes every mail."""

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        return "250 2.0.0 Taken"


async def serve() -> None:
    """Listen on a free port, say which, and go on until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
