"""What all pages share: layout, macros, forms, errors, headers, static files, languages.

How a room's ``pages.py`` uses it::

    from fastapi import APIRouter, Request
    from fastapi.responses import Response

    from fund.applying import queries, service
    from fund.base.errors import Invalid
    from fund.web import flash
    from fund.web.deps import DbDep, FormDep, NowDep, SignedIn
    from fund.web.forms import Form
    from fund.web.i18n import lazy
    from fund.web.page import redirect, render

    router = APIRouter(include_in_schema=False)
    flash.register("applying.saved", lazy("Your proposal is saved."))

    @router.get("/applications/{reference}/title")
    def edit(request: Request, reference: str, viewer: SignedIn, db: DbDep) -> Response:
        with db.read() as session:
            application = queries.editable(session, viewer, reference)  # NotFound, Forbidden have their pages
            form = Form.of(title=application.title, version=application.edit_version)
            return render(request, "applying/title.html", application=application, form=form)

    @router.post("/applications/{reference}/title")
    def save(
        request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
    ) -> Response:
        title = form.text("title", required=True, limit=200)
        if form.errors:
            return render(request, "applying/title.html", form=form, reference=reference)  # 422
        with db.write() as session:  # one use case, one transaction
            service.rename(session, viewer, reference, title, now=now)
        return redirect(f"/applications/{reference}", done="applying.saved")

and its ``fund/applying/templates/title.html``::

    {% extends "web/layout.html" %}
    {% import "web/macros.html" as ui %}
    {% block title %}{{ _("Project title") }}{% endblock %}
    {% block main %}
      {{ ui.error_summary(form) }}
      {{ ui.page_header(_("Project title")) }}
      {% call ui.form("/applications/" ~ reference ~ "/title") %}
        {{ ui.text(form, "title", _("What is the project called?"), hint=_("As a neighbour would say it.")) }}
        {{ ui.button(_("Save and continue")) }}
      {% endcall %}
    {% endblock %}

The door (``fund/app.py``) builds ``fund.web.container.Container`` and calls ``fund.web.setup.install``. Macros are
listed at the top of ``templates/macros.html``.
"""
