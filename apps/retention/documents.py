"""YAML read with the line of every value, so that a message can say where.

Stricter than YAML: a document, no repeated keys, no anchors or aliases (they can hide a cycle
or blow up), and no word that YAML 1.1 silently turns into true, false, a date or a number:
`NO`, the country, would otherwise read as false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import yaml
from django.utils.translation import gettext as _

from apps.core.errors import Invalid

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

Path = tuple[str | int, ...]
_PLAIN = {"str", "bool", "int", "null"}


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its data, and the line (from 1) on which each value stands."""

    name: str
    text: str
    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a value, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def refuse(name: str, line: int, key: str, problem: str, fix: _StrOrPromise) -> NoReturn:
    """Raises Invalid with the one shape every complaint about a pack has."""
    place = _("%(file)s, line %(line)d") % {"file": name, "line": line}
    where = f"{place}, {key}" if key else place
    said = _("%(where)s: %(problem)s %(fix)s")
    message = said % {"where": where, "problem": problem, "fix": fix}
    raise Invalid("pack", message, field=f"{name}:{line}:{key}")


def load(text: str, *, name: str) -> Document:
    """Raises Invalid naming the file, the line, the key and the fix."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        refuse(name, line, "", _("This is not readable YAML."), _("Check the indentation."))
    except yaml.YAMLError:
        refuse(name, 1, "", _("This is not readable YAML."), _("Remove unprintable characters."))
    if root is None:
        refuse(name, 1, "", _("The file is empty."), _("Write a pack, or remove the file."))
    reader = _Reader(name)
    return Document(name, text, reader.value(root, ()), reader.lines)


class _Reader:
    """Walks the nodes once, keeping lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._seen:
            self._refuse(node, path, _("An alias is used."), _("Write the value out."))
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, n)) for n, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key in found:
                self._refuse(
                    key_node, (*path, key), _("This key is there twice."), _("Keep one of them.")
                )
            self.lines[*path, key] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*path, key))
        return found

    def _key(self, node: yaml.Node, path: Path) -> str:
        if node.tag == "tag:yaml.org,2002:str" and isinstance(node.value, str):
            return node.value
        shown = node.value if isinstance(node.value, str) else "?"
        problem, fix = _("A key must be a word."), _("Write it between quotes.")
        return self._refuse(node, (*path, shown), problem, fix)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind, raw = node.tag.rpartition(":")[2], str(node.value)
        if kind not in _PLAIN or (kind == "bool" and raw not in {"true", "false"}):
            problem = _("YAML does not read “%(raw)s” as the word it looks like.") % {"raw": raw}
            self._refuse(
                node, path, problem, _('Write it between quotes: "%(raw)s".') % {"raw": raw}
            )
        if kind == "str":
            return raw
        if kind == "int" and not raw.isdecimal():
            self._refuse(
                node, path, _("This is not a plain number."), _("Write it with digits only.")
            )
        return {"bool": raw == "true", "null": None}.get(kind, int(raw) if kind == "int" else None)

    def _refuse(self, node: yaml.Node, path: Path, problem: str, fix: str) -> NoReturn:
        refuse(self.name, node.start_mark.line + 1, dotted(path), problem, fix)


def dotted(path: Path) -> str:
    """`rules[2].active.default`, as people write it."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out
