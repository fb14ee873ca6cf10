"""Colours the code of the guide's examples: comments, texts, keywords, keys and variables, each a span with a class."""

from __future__ import annotations

import re
from html import escape

STRING = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
KEYWORDS = (
    "and as assert async await break class continue def del elif else except finally for from if import in is lambda "
    "not or pass raise return try while with yield True False None"
)
# Language -> one expression; the name of the group that matches is the class: c comment, s text, k keyword or key,
# v variable, n number, f function.
LANGUAGES = {
    "yaml": rf"""
        (?P<c>(?:^|(?<=\s))\#.*$)
        | (?P<k>^[ ]*(?:-[ ]+)?(?:'[^'\n]*'|"[^"\n]*"|[^\s#'"{{\[&*!][^\n:#]*)(?=:(?:\s|$)))
        | (?P<j>(?<=[{{,])[ ]*(?:'[^'\n]*'|"[^"\n]*"|[\w.$*/-]+)(?=:\s))
        | (?P<s>{STRING}) | (?P<v>\$\{{?\w+\}}?)
        | (?P<n>(?<=[\s\[,])(?:true|false|null|-?\d+(?:\.\d+)?)(?=[\s,\]}}]|$))""",
    "python": rf"""
        (?P<c>\#.*$) | (?P<s>[rbf]?(?:\"\"\"[\s\S]*?\"\"\"|{STRING})) | (?P<v>@[\w.]+)
        | (?P<k>\b(?:{"|".join(KEYWORDS.split())})\b)
        | (?P<f>(?<=\bdef[ ])\w+|(?<=\bclass[ ])\w+) | (?P<n>\b\d+(?:\.\d+)?\b)""",
    "sh": rf"""
        (?P<c>(?:^|(?<=\s))\#.*$) | (?P<s>{STRING}) | (?P<v>\$\{{?\w+\}}?)
        | (?P<f>^[\w./-]+) | (?P<k>(?<=\s)--?[\w.-]+)""",
    "nginx": rf"""(?P<c>\#.*$) | (?P<s>{STRING}) | (?P<v>\$\w+) | (?P<k>^\s*[a-z_]+(?=\s))""",
    "html": rf"""
        (?P<c><!--[\s\S]*?-->|\{{\#.*?\#\}}) | (?P<v>\{{[\{{%].*?[%\}}]\}})
        | (?P<k></?[\w-]+|(?<=[\w"'])\s*/?>) | (?P<s>{STRING})""",
    "js": rf"""
        (?P<c>//.*$) | (?P<s>{STRING}|`[^`]*`)
        | (?P<k>\b(?:const|let|function|return|if|else|for|of|new|await|async)\b) | (?P<n>\b\d+(?:\.\d+)?\b)""",
}
COMPILED = {name: re.compile(text, re.VERBOSE | re.MULTILINE) for name, text in LANGUAGES.items()}
ALIASES = {"yml": "yaml", "py": "python", "bash": "sh", "json": "js", "console": "sh"}


def highlight(code: str, language: str) -> str:
    """Return the HTML of some code; as it is, if the language is not known."""
    expression = COMPILED.get(ALIASES.get(language, language))
    if expression is None:
        return escape(code, quote=False)
    parts, end = [], 0
    for found in expression.finditer(code):
        name = "k" if found.lastgroup == "j" else found.lastgroup
        text = found[0]
        # The blanks before a key, and the dash of a list, are not coloured.
        head = text[: len(text) - len(text.lstrip(" -"))] if name == "k" and language in ("yaml", "yml") else ""
        parts.append(escape(code[end : found.start()] + head, quote=False))
        parts.append(f'<span class="{name}">{escape(text[len(head) :], quote=False)}</span>')
        end = found.end()
    return "".join(parts) + escape(code[end:], quote=False)
