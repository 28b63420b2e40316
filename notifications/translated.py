"""Templates of one language, translated as they are compiled: what they say is looked up once and not for each mail."""

import re
from collections.abc import MutableMapping
from gettext import NullTranslations
from typing import Any

from jinja2 import Environment, nodes
from jinja2.ext import InternationalizationExtension

_PLACE = re.compile(r"%\((\w+)\)s")


class OneLanguage(Environment):
    """Templates of one language. What they all know stands in each of them: it is asked for at every turn."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """What a template knows beside its values."""
        return {**self.globals, **(d or {})}


class Translated(InternationalizationExtension):
    """``trans`` blocks become the words of the environment's language, with the values between them.

    What is said in one way of one thing and in another of many is still chosen when a mail is written.
    """

    @classmethod
    def into(cls, environment: Environment, translate: NullTranslations) -> None:
        """Make this the language of all templates of ``environment``, which has the extension."""
        environment.extend(into=translate)
        environment.install_gettext_translations(translate, newstyle=True)  # type: ignore[attr-defined]

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,
        num_called_num: bool,
    ) -> nodes.Output:
        said = self.environment.into.gettext(singular)  # type: ignore[attr-defined]
        pieces = _PLACE.split(said)
        names = pieces[1::2]
        if context or plural_expr or len(names) != len(set(names)) or not variables.keys() >= set(names):
            return super()._make_node(
                singular, plural, context, variables, plural_expr, vars_referenced, num_called_num
            )
        inside: list[nodes.Expr] = [
            variables[piece] if place % 2 else nodes.TemplateData(piece.replace("%%", "%"))
            for place, piece in enumerate(pieces)
            if piece
        ]
        return nodes.Output(inside)
