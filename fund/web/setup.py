"""Puts the shared web layer under an app: middleware, error pages, static files, languages."""

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from fund.web import errors, static
from fund.web.container import Container
from fund.web.security import BodyLimit, CatchAll, CrossSiteRule, Headers, Languages


def install(app: FastAPI, held: Container) -> None:
    """Make every page and API call of ``app`` follow the house's rules, with what ``held`` holds.

    From the outside in: headers, language, compression, a page for the unexpected, size limit, cross-site rule.
    """
    app.state.fund = held
    errors.install(app)
    app.router.routes.extend(static.ROUTES)
    app.add_middleware(CrossSiteRule, address=held.settings.address)
    app.add_middleware(BodyLimit)
    app.add_middleware(CatchAll)
    app.add_middleware(GZipMiddleware, minimum_size=600, compresslevel=6)
    app.add_middleware(Languages, folder=held.locale)
    app.add_middleware(Headers, secure=held.settings.secure)
