"""sqlfluff's command line, in which what a tree says is worked out once, not by each of its seventy rules.

What it finds is the same: tests/unit/test_sqlfluff_once.py and test_sql_layout.py hold it against sqlfluff
as it comes. Kept here, of the tree that is being judged (linting changes none):

- the sequence of blocks and points from which four layout rules (LT01, LT02, LT05, LT14) begin;
- where segments of each type stand, for the rules that look for some types in the whole tree;
- what a select statement reads and gives (asked for by eleven rules, of the same statement);
- the types of a segment as a set, where its parent holds it, which stretches of the source are literal, where
  in a file a segment is first found. Each was built anew, or looked for from the start, whenever asked for.

With THROUGHLINE_LINT_CLAIMS, a folder, several of these share the same files: each judges what no other took.

A file that sqlfluff was given and did not judge fails here, by name and with what sqlfluff said of it; as it
comes, it warns without a name and ends with 0. Only a model that is switched off, and a macro, may be left.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlfluff.cli.commands import cli
from sqlfluff.core.linter.linter import Linter
from sqlfluff.core.linter.runner import BaseRunner
from sqlfluff.core.parser.segments.base import BaseSegment
from sqlfluff.core.parser.segments.raw import RawSegment
from sqlfluff.core.rules.crawlers import ParentOfSegmentCrawler, SegmentSeekerCrawler
from sqlfluff.core.templaters.base import TemplatedFile
from sqlfluff.utils.analysis import query, select
from sqlfluff.utils.reflow import depthmap
from sqlfluff.utils.reflow.sequence import ReflowSequence

from throughline.dbt_quick import quicken

# Patched from here on: without their types, so that what is put into them may be ours.
_reflow: Any = ReflowSequence
_segment: Any = BaseSegment
_raw: Any = RawSegment
_seeker: Any = SegmentSeekerCrawler
_templated: Any = TemplatedFile
_depth_map: Any = depthmap.DepthMap
_runner: Any = BaseRunner
_linter: Any = Linter


class Tree:
    """What is known of the tree that is being judged."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.sequences: list[Any] = []
        self.infos: dict[tuple[int, str, bool], Any] = {}
        self.clean = "unparsable" not in root.descendant_type_set and not root.is_type("unparsable")
        # in the order in which a rule comes by: segment, those above it, its place, leaves before it, end
        self.nodes: list[tuple[Any, tuple[Any, ...], int, int]] = []
        self.ends: list[int] = []
        self.places: dict[str, list[int]] = {}
        self.leaves: list[Any] = []
        if self.clean:
            self._walk(root, (), 0)

    def _walk(self, segment: Any, above: tuple[Any, ...], place: int) -> None:
        number = len(self.nodes)
        self.nodes.append((segment, above, place, len(self.leaves)))
        self.ends.append(0)
        for one in segment.class_types:
            self.places.setdefault(one, []).append(number)
        if segment.segments:
            below = (*above, segment)
            for index, child in enumerate(segment.segments):
                self._walk(child, below, index)
        else:
            self.leaves.append(segment)
        self.ends[number] = len(self.nodes)


_judged: list[Tree] = []


def _tree(root: Any) -> Tree:
    if not _judged or _judged[0].root is not root:
        _judged[:] = [Tree(root)]
    return _judged[0]


# One sequence for the layout rules -----------------------------------------------------------------

_build = _reflow.from_root


def _from_root(root_segment: Any, config: Any) -> Any:
    kept = _tree(root_segment).sequences
    if not kept or kept[0] is not config:
        kept[:] = [config, _build(root_segment, config)]
    sequence = kept[1]
    # a copy, because a rule adds its findings to the one it gets
    return ReflowSequence(
        elements=list(sequence.elements),
        root_segment=sequence.root_segment,
        reflow_config=sequence.reflow_config,
        depth_map=sequence.depth_map,
    )


class _Found(list[Any]):
    """Segments with their places: `index` answers as a list's does, without comparing with all before."""

    def __init__(self, segments: list[Any]) -> None:
        super().__init__(segments)
        self.first: dict[Any, int] = {}
        for number, segment in enumerate(segments):
            self.first.setdefault(_same(segment), number)

    def index(self, value: Any, *bounds: Any) -> int:
        if bounds or (found := self.first.get(_same(value))) is None:
            return super().index(value, *bounds)
        return found


def _same(segment: Any) -> Any:
    """Equal segments, as sqlfluff sees it, have the same of this."""
    return type(segment).__name__, segment.raw, segment.pos_marker and segment.pos_marker.working_loc


_around = _reflow.from_around_target


def _from_around_target(target_segment: Any, root_segment: Any, *rest: Any, **named: Any) -> Any:
    if not isinstance(found := root_segment.raw_segments, _Found):
        root_segment.__dict__["raw_segments"] = _Found(found)
    return _around(target_segment, root_segment, *rest, **named)


def _depths(self: Any, raws_with_stack: Any) -> None:
    """Every raw segment's depth; what is said of a step of its path is said once per step."""
    positions: dict[tuple[int, int], Any] = {}
    depths = self.depth_info = {}
    for raw, stack in raws_with_stack:
        hashes = tuple([hash(step.segment) for step in stack])
        held = {}
        for code, step in zip(hashes, stack, strict=True):
            key = id(step.segment), step.idx
            if (position := positions.get(key)) is None:
                position = positions[key] = depthmap.StackPosition.from_path_step(step)
            held[code] = position
        depths[raw.uuid] = depthmap.DepthInfo(
            stack_depth=len(stack),
            stack_hashes=hashes,
            stack_hash_set=frozenset(hashes),
            stack_class_types=tuple([step.segment.class_types for step in stack]),
            stack_positions=held,
        )


# Where the types stand -----------------------------------------------------------------------------

_crawl = _seeker.crawl


def _seek(self: Any, context: Any) -> Iterator[Any]:
    if context.parent_stack or type(self) not in (SegmentSeekerCrawler, ParentOfSegmentCrawler):
        yield from _crawl(self, context)
        return
    tree = _tree(context.segment)
    if not tree.clean or context.raw_stack or type(self) is ParentOfSegmentCrawler:
        yield from _crawl(self, context)
        return
    lists = [tree.places[one] for one in self.types if one in tree.places]
    numbers = lists[0] if len(lists) == 1 else sorted(set().union(*lists))
    beyond = 0
    for number in numbers:
        if number < beyond:
            continue
        if not self.allow_recurse:
            beyond = tree.ends[number]
        context.segment, context.parent_stack, context.segment_idx, before = tree.nodes[number]
        if self.provide_raw_stack:
            context.raw_stack = tuple(tree.leaves[:before])
        yield context


def _recursive_crawl(
    self: Any,
    *seg_type: str,
    recurse_into: bool = True,
    no_recursive_seg_type: Any = None,
    allow_self: bool = True,
) -> Iterator[Any]:
    """As sqlfluff's own, with one generator for all levels instead of one for each."""
    wanted = frozenset(seg_type)
    if isinstance(no_recursive_seg_type, str):
        no_recursive_seg_type = (no_recursive_seg_type,)
    barred = frozenset(no_recursive_seg_type or ())
    match = allow_self and not self.class_types.isdisjoint(wanted)
    if match:
        yield self
    if self.descendant_type_set.isdisjoint(wanted) or (match and not recurse_into):
        return
    waiting = [iter(self.segments)]
    while waiting:
        for segment in waiting[-1]:
            types = segment.class_types
            if barred and not types.isdisjoint(barred):
                continue
            match = not types.isdisjoint(wanted)
            if match:
                yield segment
            if (recurse_into or not match) and not segment.descendant_type_set.isdisjoint(wanted):
                waiting.append(iter(segment.segments))
                break
        else:
            waiting.pop()


# A segment's types, parent and stretch of the source -----------------------------------------------

_types: dict[tuple[type, Any], frozenset[str]] = {}


def _class_types(self: Any) -> frozenset[str]:
    key = type(self), self.instance_types
    if (found := _types.get(key)) is None:
        found = _types[key] = frozenset(self.instance_types) | self._class_types
    return found


def _raw_is_type(self: Any, *seg_type: str) -> bool:
    return not _class_types(self).isdisjoint(seg_type)


def _is_type(self: Any, *seg_type: str) -> bool:
    return not self._class_types.isdisjoint(seg_type)


_get_parent = _segment.get_parent


def _parent(self: Any) -> Any:
    if self._parent and (parent := self._parent()) is not None:
        place = self._parent_idx
        if place is not None and place < len(parent.segments) and parent.segments[place] is self:
            return parent, place
    return _get_parent(self)


_is_literal = _templated.is_source_slice_literal


def _literal(self: Any, source_slice: slice) -> bool:
    if not self.raw_sliced or source_slice.start == source_slice.stop:
        return True
    if (known := self.__dict__.get("_stretches")) is None:
        begins = [one.source_idx for one in self.raw_sliced]
        written = [one.slice_type == "literal" for one in self.raw_sliced]
        known = (begins, written) if begins == sorted(begins) else ()
        self.__dict__["_stretches"] = known
    if not known:
        return bool(_is_literal(self, source_slice))
    begins, written = known
    at, end = bisect_right(begins, source_slice.start), bisect_left(begins, source_slice.stop)
    return all(written[max(at - 1, 0) : max(end, at)])


# What a select statement reads and gives -----------------------------------------------------------

_info = select.get_select_statement_info


def _select_info(segment: Any, dialect: Any, early_exit: bool = True) -> Any:
    if not _judged:
        return _info(segment, dialect, early_exit)
    # of which tree does not matter: each is kept with its statement, and dropped with the tree
    known, key = _judged[0].infos, (id(segment), dialect and dialect.name, early_exit)
    if key not in known:
        known[key] = segment, _info(segment, dialect, early_exit)
    found = known[key][1]
    if found is None:
        return None
    # whoever asks may add to the lists
    return type(found)(*(list(part) if isinstance(part, list) else part for part in found))


# Files shared among processes ----------------------------------------------------------------------

_rendered = _runner.iter_rendered


def _claimed(names: Any, folder: Path) -> Iterator[str]:
    """Those of the files that no other process has taken, taken as they are asked for."""
    for name in names:
        try:
            (folder / hashlib.sha256(name.encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield name


def _iter_rendered(self: Any, fnames: list[str]) -> Iterator[Any]:
    templater: Any = self.linter.templater
    sequence, folder = templater.sequence_files, os.environ.get("THROUGHLINE_LINT_CLAIMS")

    def given_out(*args: Any, **named: Any) -> Iterator[str]:
        names = sequence(*args, **named)
        for name in _claimed(names, Path(folder)) if folder else names:
            _asked.append(name)
            yield name

    templater.sequence_files = given_out
    try:
        yield from _rendered(self, fnames)
    finally:
        templater.sequence_files = sequence


# Files that were not judged ------------------------------------------------------------------------

# what sqlfluff says of a file that may be left: there is no SQL in it that anybody would run
MAY_BE_LEFT = ("because it is disabled", "because it is a macro")
_asked: list[str] = []
_seen: set[str] = set()
_said: dict[str, list[str]] = {}
_lint_rendered = _linter.lint_rendered


def _judge(rendered: Any, *rest: Any, **named: Any) -> Any:
    found = _lint_rendered(rendered, *rest, **named)
    # a template that fails is a finding of its own
    if rendered.templated_variants or rendered.templater_violations:
        _seen.add(rendered.fname)
    return found


class _Warnings(logging.Handler):
    """Keeps what sqlfluff warns of, with the file it has in its hands: it often does not name it."""

    def emit(self, record: logging.LogRecord) -> None:
        if _asked:
            _said.setdefault(_asked[-1], []).append(record.getMessage().strip())


def not_judged(asked: Iterable[str], seen: set[str], said: Mapping[str, list[str]]) -> list[str]:
    """A line for each file that was given and not judged, and may not be left: its name, and why."""
    lines = []
    for name in asked:
        reasons = said.get(name, [])
        may_be_left = any(reason.endswith(MAY_BE_LEFT) for reason in reasons)
        if name not in seen and not may_be_left:
            lines.append(f"{name} was not judged: {' '.join(reasons) or 'sqlfluff does not say why'}")
    return lines


def once() -> None:
    """Change sqlfluff in this process."""
    _reflow.from_root = staticmethod(_from_root)
    _reflow.from_around_target = staticmethod(_from_around_target)
    _depth_map.__init__ = _depths
    _seeker.crawl = _seek
    _segment.recursive_crawl = _recursive_crawl
    _segment.is_type = _is_type
    _segment.class_is_type = classmethod(_is_type)
    _segment.get_parent = _parent
    _raw.class_types = property(_class_types)
    _raw.is_type = _raw_is_type
    _templated.is_source_slice_literal = _literal
    asking: tuple[Any, ...] = (select, query)
    for module in asking:
        module.get_select_statement_info = _select_info
    _runner.iter_rendered = _iter_rendered
    _linter.lint_rendered = staticmethod(_judge)
    logging.getLogger("sqlfluff.linter").addHandler(_Warnings(logging.WARNING))
    # A tree is some hundred thousand objects that all stay until it is judged: looked through seldom.
    gc.set_threshold(200_000, 20, 20)


def main() -> int:
    """sqlfluff's exit code; 1 as well when a file was left that may not be."""
    once()
    keep_templates = quicken()
    try:
        cli()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    else:
        code = 0
    finally:
        keep_templates()
    left = not_judged(_asked, _seen, _said)
    print(*left, sep="\n", file=sys.stderr, end="\n" if left else "")
    return code or int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
