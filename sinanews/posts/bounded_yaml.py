"""A post's header as nested texts: bounded, safe, and nothing interpreted.

Every value keeps its text: ``000001``, ``no``, ``12:30`` and ``2022-09-01`` stay strings.
Aliases, anchors, tags and deep nesting are refused on YAML's stream of events, before anything is built from it;
merge keys and duplicate keys on its nodes.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import yaml

from sinanews.exceptions import BadPost
from sinanews.posts.seed_yaml import quoted

MAX_DEPTH = 20

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

# libyaml where PyYAML has it: ten times as fast, and its events are as lazy.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_NULL = "tag:yaml.org,2002:null"
_REPAIRABLE = re.compile(r"^(title|author):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def load_mapping(header: str) -> dict[str, Value]:
    """Read a header; a broken title or author line is recovered. Raises BadPost."""
    try:
        node = _checked(header)
    except yaml.YAMLError as error:
        try:
            node = _checked(_REPAIRABLE.sub(_repair_line, header))
        except yaml.YAMLError:
            raise BadPost(f"the header is not YAML: {_first_line(error)}") from error
    if not isinstance(node, yaml.MappingNode):
        raise BadPost("the header is not a mapping of keys to values")
    return _mapping(node)


def _repair_line(match: re.Match[str]) -> str:
    """The predecessor wrote titles in quotes without escaping, at times several layers of them."""
    try:
        _checked(match[0])
    except yaml.YAMLError:
        return f"{match[1]}: {quoted(_without_quotes(match[2]))}"
    return match[0]


def _without_quotes(text: str) -> str:
    """Take the writer's quotes off: one layer, and further ones that wrap the whole text."""
    text = text[1:-1] if _is_wrapped(text) else text
    while _is_wrapped(text) and (text[0] not in text[1:-1] or _is_wrapped(text[1:-1])):
        text = text[1:-1]
    return text


def _is_wrapped(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in "'\""


def _first_line(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    return " ".join(problem.split()) + (f", line {mark.line + 1}" if mark else "")


def _checked(header: str) -> yaml.Node | None:
    """The header's nodes, none of them made before all events were found within the bounds."""
    depth = documents = 0
    for event in yaml.parse(header, Loader=_LOADER):
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, _OPENS) - isinstance(event, _CLOSES)
        _check(event, depth, documents)
    node: yaml.Node | None = yaml.compose(header, Loader=_LOADER)
    return node


def _check(event: yaml.Event, depth: int, documents: int) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise BadPost("the header uses a YAML anchor or alias")
    if getattr(event, "tag", None) not in (None, "!", "tag:yaml.org,2002:str"):
        raise BadPost("the header uses a YAML tag")
    if depth > MAX_DEPTH:
        raise BadPost(f"the header is nested deeper than {MAX_DEPTH} levels")
    if documents > 1:
        raise BadPost("the header holds more than one YAML document")


def _value(node: yaml.Node) -> Value:
    """What a node holds; recursion is bounded by MAX_DEPTH."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    return [_value(each) for each in node.value] if isinstance(node, yaml.SequenceNode) else str(node.value)


def _mapping(node: yaml.MappingNode) -> dict[str, Value]:
    mapping: dict[str, Value] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise BadPost("the header has a key that is not a text")
        if key.value == "<<":
            raise BadPost("the header uses a YAML merge key")
        if key.value in mapping:
            raise BadPost(f"the header has the key {key.value[:40]!r} twice")
        # A title keeps even the text "null"; elsewhere YAML's nothing is nothing.
        mapping[key.value] = "" if key.value != "title" and value.tag == _NULL else _value(value)
    return mapping
