"""Extracts, merges and compiles the texts that people read, without GNU gettext.

python -m config.messages extract   # bring locale/*/LC_MESSAGES/django.po up to date
python -m config.messages compile   # write the .mo files, which git ignores
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polib
from django.template.base import Lexer, Token, TokenType
from django.utils.translation import trim_whitespace
from django.utils.translation.template import (
    block_re,
    constant_re,
    endblock_re,
    inline_re,
    plural_re,
)

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ("apps", "config", "demo")
LOCALES: Final = ROOT / "locale"
#: call → the positions of (context, message, plural); None where there is none.
CALLS: Final[dict[str, tuple[int | None, int, int | None]]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]")


class MessageError(Exception):
    """A text that cannot be extracted; names file and line."""


@dataclass(frozen=True, slots=True, order=True)
class Message:
    text: str
    plural: str = ""
    context: str = ""


def extract() -> dict[Message, list[str]]:
    """Every message of the sources → the files that use it (sorted, without line numbers)."""
    found: dict[Message, list[str]] = {}
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in _READERS and path.is_file():
                place = path.relative_to(ROOT).as_posix()
                for message in _READERS[path.suffix](path):
                    if place not in found.setdefault(message, []):
                        found[message].append(place)
    return found


def _of_python(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (positions := CALLS.get(_name(node.func))):
            context, text, plural = (_constant(path, node, at) for at in positions)
            if text:
                yield Message(text, plural, context)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _constant(path: Path, call: ast.Call, position: int | None) -> str:
    if position is None or len(call.args) <= position:
        return ""
    value = call.args[position]
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        return ""  # already a message, declared elsewhere
    raise MessageError(f"{path}:{call.lineno}: a message must be one plain string")


def _of_template(path: Path) -> Iterator[Message]:
    block: _Block | None = None
    for token in Lexer(path.read_text()).tokenize():
        if block is not None:
            if block.closed_by(path, token):
                yield block.message()
                block = None
        elif token.token_type is TokenType.BLOCK and block_re.match(token.contents):
            block = _Block(token)
        elif token.token_type in {TokenType.BLOCK, TokenType.VAR}:
            yield from _of_tag(token)


def _of_tag(token: Token) -> Iterator[Message]:
    """`{% translate "…" %}` and `_("…")` in any tag; Django doubles % in what templates say."""
    if match := inline_re.match(token.contents):
        yield Message(_unquoted(match[1]), "", _unquoted(match[3] or ""))
    for call in constant_re.findall(token.contents):
        yield Message(_unquoted(call.removeprefix("_(").removesuffix(")")))


def _unquoted(literal: str) -> str:
    return literal.strip()[1:-1].replace("%", "%%")


class _Block:
    """`{% blocktranslate %}` up to its end, as Django makes one message of it."""

    def __init__(self, opening: Token) -> None:
        match = block_re.match(opening.contents)
        self.context = _unquoted(match[2] or "") if match else ""
        self.trimmed = "trimmed" in opening.split_contents()
        self.forms = [""]

    def closed_by(self, path: Path, token: Token) -> bool:
        if token.token_type is TokenType.TEXT:
            self.forms[-1] += token.contents.replace("%", "%%")
        elif token.token_type is TokenType.VAR:
            self.forms[-1] += f"%({token.contents})s"
        elif token.token_type is TokenType.BLOCK and plural_re.match(token.contents):
            self.forms.append("")
        elif token.token_type is TokenType.BLOCK and endblock_re.match(token.contents):
            return True
        elif token.token_type is TokenType.BLOCK:
            raise MessageError(f"{path}:{token.lineno}: a tag inside blocktranslate")
        return False

    def message(self) -> Message:
        forms = [trim_whitespace(form) if self.trimmed else form for form in self.forms]
        return Message(forms[0], forms[1] if len(forms) > 1 else "", self.context)


_READERS: Final = {".py": _of_python, ".html": _of_template, ".txt": _of_template}


def catalogues() -> list[Path]:
    return sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))


def merge(path: Path) -> polib.POFile:
    """The catalogue with today's messages: translations kept, new ones empty, old ones gone."""
    kept = {(entry.msgid, entry.msgctxt or ""): entry for entry in polib.pofile(str(path))}
    merged = polib.POFile(wrapwidth=98)
    merged.metadata = polib.pofile(str(path)).metadata
    for message, places in sorted(extract().items()):
        old = kept.get((message.text, message.context))
        entry = polib.POEntry(
            msgid=message.text,
            msgctxt=message.context or None,
            occurrences=[(place, "") for place in places],
            flags=["python-format"] if _PLACEHOLDER.search(message.text) else [],
        )
        if message.plural:
            entry.msgid_plural = message.plural
            entry.msgstr_plural = (old.msgstr_plural if old else None) or {0: "", 1: ""}
        else:
            entry.msgstr = old.msgstr if old else ""
        merged.append(entry)
    return merged


def compile_catalogues() -> list[Path]:
    """Write each .mo that is missing or older than its .po."""
    written = []
    for path in catalogues():
        target = path.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime <= path.stat().st_mtime:
            draft = target.with_suffix(".draft")
            polib.pofile(str(path)).save_as_mofile(str(draft))
            draft.replace(target)  # two test workers may compile at once
            written.append(target)
    return written


def _command_extract() -> None:
    for path in catalogues():
        merged = merge(path)
        merged.save(str(path))
        missing = len(merged.untranslated_entries())
        print(f"{path}: {len(merged)} messages, {missing} untranslated")  # noqa: T201 - its answer


def main(arguments: Sequence[str]) -> int:
    match list(arguments):
        case ["extract"]:
            _command_extract()
        case ["compile"]:
            compile_catalogues()
        case _:
            print(__doc__, file=sys.stderr)  # noqa: T201 - the command's answer
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
