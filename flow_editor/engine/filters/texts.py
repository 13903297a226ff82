"""Filters of texts."""

from __future__ import annotations

from typing import Any

from flow_editor.engine import markup
from flow_editor.engine.conditions import is_empty
from flow_editor.engine.filters.base import Argument, Filter
from flow_editor.engine.filters.taken import Unfit, check_length

GROUP = "Texts"


def default(value: Any, other: Any) -> Any:
	return other if is_empty(value) else value


def title(text: str) -> str:
	# Not str.title, which makes Don'T of don't.
	return "".join(
		letter.upper() if not before.isalnum() and before not in "'’" else letter.lower()
		for before, letter in zip(f" {text}", text, strict=False)
	)


def truncate(text: str, length: int, end: str) -> str:
	if length < 0:
		raise Unfit("is cut to less than nothing")
	if len(text) <= length:
		return text
	return f"{text[: max(0, length - len(end))].rstrip()}{end}" if len(end) < length else text[:length]


def replace(text: str, old: str, new: str) -> str:
	if not old:
		return text
	check_length(len(text) + text.count(old) * (len(new) - len(old)))
	return text.replace(old, new)


def raw(value: Any) -> Any:
	return value


FILTERS = (
	Filter(
		"default", default, "any", "what it is given, or the other", "Something else, if the value is empty. 0 and false are not empty.",
		("'' | default: 'n/a'", "n/a"), (Argument("other", "any"),), GROUP,
	),
	Filter("upper", str.upper, "text", "text", "In capital letters.", ("'abc' | upper", "ABC"), group=GROUP),
	Filter("lower", str.lower, "text", "text", "In small letters.", ("'ABC' | lower", "abc"), group=GROUP),
	Filter("title", title, "text", "text", "Every word with a capital letter.", ("'ana TREMBLAY' | title", "Ana Tremblay"), group=GROUP),
	Filter("trim", str.strip, "text", "text", "Without spaces around it.", ("'  abc ' | trim", "abc"), group=GROUP),
	Filter(
		"truncate", truncate, "text", "text", "Its beginning, so many characters at most with what stands for the rest.",
		("'A long story' | truncate: 7", "A long…"), (Argument("length", "whole"), Argument("end", default="…")), GROUP,
	),
	Filter(
		"replace", replace, "text", "text", "With another text in place of one.",
		("'a-b' | replace: '-', ' '", "a b"), (Argument("old"), Argument("new")), GROUP,
	),
	Filter("plain", markup.readable, "text", "text", "The words of HTML, line by line.", ("'<b>Yes</b> &amp; no' | plain", "Yes & no"), group=GROUP),
	Filter("raw", raw, "any", "the value", "The value itself, also in texts for people.", ("'2026-12-03' | raw", "2026-12-03"), group=GROUP),
)  # fmt: skip
