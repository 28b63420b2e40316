"""Static files under names that hold the hash of their content, so that a browser keeps them for ever."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
COMPRESSIBLE = {".css", ".js", ".svg", ".json"}


@dataclass(frozen=True)
class Asset:
    """One static file as it is sent: plain, compressed where that helps, and the address it has."""

    url: str
    kind: str
    body: bytes
    compressed: bytes | None


@cache
def assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every static file by its path below ``folder``, read and hashed once."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _asset(path, folder) for path in files}


def _asset(path: Path, folder: Path) -> Asset:
    body = squeezed(path.read_bytes()) if path.suffix == ".css" else path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:12]
    name = path.relative_to(folder).with_suffix(f".{digest}{path.suffix}").as_posix()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(body, 9, mtime=0) if path.suffix in COMPRESSIBLE else None
    return Asset(f"/static/{name}", kind, body, packed)


def squeezed(sheet: bytes) -> bytes:
    """A style sheet without comments and without the blanks that only its authors need."""
    bare = re.sub(rb"/\*.*?\*/", b"", sheet, flags=re.DOTALL)
    tight = re.sub(rb"\s*([{};,])\s*", rb"\1", bare)
    return re.sub(rb"([{;][-\w]+):\s+", rb"\1:", tight).strip()


def static_url(name: str) -> str:
    """The address of static file ``name``. KeyError when there is none: nothing points to nothing."""
    return assets()[name].url


def serve(request: Request) -> Response:
    """Send a static file under its hashed name; an older hash gets 404, never other content."""
    wanted = f"/static/{request.path_params['path']}"
    asset = next((asset for asset in assets().values() if asset.url == wanted), None)
    if asset is None:
        return PlainTextResponse("Not found", 404)
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if asset.compressed and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, headers=headers, media_type=asset.kind)
    return Response(asset.body, headers=headers, media_type=asset.kind)


def favicon(request: Request) -> Response:
    """The icon under the name that browsers ask for by themselves."""
    return Response(
        assets()["favicon.svg"].body, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"}
    )


ROUTES = [Route("/static/{path:path}", serve), Route("/favicon.ico", favicon)]
