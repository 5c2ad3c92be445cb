"""A post's header as nested texts: bounded, safe, and nothing interpreted.

Every value keeps its text: ``000001``, ``no``, ``12:30`` and ``2022-09-01`` stay strings.
Aliases, anchors, merge keys, tags, duplicate keys and deep nesting are refused on YAML's
stream of events, before anything is built from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_NULLS = {"", "~", "null", "Null", "NULL"}
_REPAIRABLE = re.compile(r"^(title|author):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_QUOTES = ("'", '"')


def load_mapping(header: str) -> dict[str, Value]:
    """Read a header; a broken title or author line is recovered. Raises BadPost."""
    try:
        events = _checked_events(header)
    except yaml.YAMLError as error:
        events = _events_of_repaired(header, error)
    nodes = iter(events)
    value = _build(next(nodes), nodes) if events else ""
    if not isinstance(value, dict):
        raise BadPost("the header is not a mapping of keys to values")
    return value


def _events_of_repaired(header: str, error: yaml.YAMLError) -> list[yaml.Event]:
    repaired = _REPAIRABLE.sub(_repair_line, header)
    try:
        return _checked_events(repaired)
    except yaml.YAMLError:
        raise BadPost(f"the header is not YAML: {_first_line(error)}") from error


def _repair_line(match: re.Match[str]) -> str:
    """The predecessor wrote titles in quotes without escaping, at times several layers of them."""
    try:
        _checked_events(match[0])
    except yaml.YAMLError:
        return f"{match[1]}: {quoted(_without_quotes(match[2]))}"
    return match[0]


def _without_quotes(text: str) -> str:
    """Take the writer's quotes off: one layer, and further ones that wrap the whole text."""
    text = _inside(text) if _is_wrapped(text) else text
    while _is_wrapped(text) and (text[0] not in _inside(text) or _is_wrapped(_inside(text))):
        text = _inside(text)
    return text


def _inside(text: str) -> str:
    return text[1:-1]


def _is_wrapped(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES


def _first_line(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    return " ".join(problem.split()) + (f", line {mark.line + 1}" if mark else "")


def _checked_events(header: str) -> list[yaml.Event]:
    """The nodes' events; raises at the first one that breaks a bound, parsing no further."""
    nodes: list[yaml.Event] = []
    depth = documents = 0
    for event in yaml.parse(header, Loader=_LOADER):
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, _OPENS) - isinstance(event, _CLOSES)
        _check(event, depth, documents)
        if isinstance(event, (yaml.NodeEvent, *_CLOSES)):
            nodes.append(event)
    return nodes


def _check(event: yaml.Event, depth: int, documents: int) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise BadPost("the header uses a YAML anchor or alias")
    if getattr(event, "tag", None) not in (None, "!", "tag:yaml.org,2002:str"):
        raise BadPost("the header uses a YAML tag")
    if depth > MAX_DEPTH:
        raise BadPost(f"the header is nested deeper than {MAX_DEPTH} levels")
    if documents > 1:
        raise BadPost("the header holds more than one YAML document")


def _build(event: yaml.Event, events: Iterator[yaml.Event]) -> Value:
    """The value that starts at ``event``; recursion is bounded by MAX_DEPTH."""
    if isinstance(event, yaml.SequenceStartEvent):
        return [_build(each, events) for each in _until(yaml.SequenceEndEvent, events)]
    if isinstance(event, yaml.MappingStartEvent):
        return _build_mapping(events)
    assert isinstance(event, yaml.ScalarEvent)
    return str(event.value)


def _build_mapping(events: Iterator[yaml.Event]) -> dict[str, Value]:
    mapping: dict[str, Value] = {}
    for event in _until(yaml.MappingEndEvent, events):
        if not isinstance(event, yaml.ScalarEvent):
            raise BadPost("the header has a key that is not a text")
        key = str(event.value)
        if key == "<<":
            raise BadPost("the header uses a YAML merge key")
        if key in mapping:
            raise BadPost(f"the header has the key {key[:40]!r} twice")
        value = next(events)
        # A title keeps even the text "null"; elsewhere YAML's nothing is nothing.
        mapping[key] = "" if key != "title" and _is_null(value) else _build(value, events)
    return mapping


def _is_null(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and bool(event.implicit[0]) and event.value in _NULLS


def _until(end: type[yaml.Event], events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if isinstance(event, end):
            return
        yield event
