"""Choices that live in the address as stable codes, whatever their labels say.

A bound select widget writes its *labels* into the address, so a renamed client or a changed count would
break every link. Here the address is held, as codes, by a bound text field that is not shown; the widget that
is shown follows it, and writes into it when somebody chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

SEPARATOR = ";"
NONE_CHOSEN = "any"


def held(key: str) -> str:
    """What the address holds under ``key``; empty when it does not name it."""
    with st.container(key=f"address_{key}"):
        return st.text_input(key, key=key, bind="query-params", label_visibility="collapsed").strip()


def joined(codes: Sequence[str]) -> str:
    """Several codes as one parameter."""
    return SEPARATOR.join(codes)


def pick_one(
    label: str,
    key: str,
    options: Mapping[str, str],
    default: str,
    help: str | None = None,
    disabled: bool = False,
) -> str:
    """A select box over code -> label; a code that is not offered falls back to the default."""
    asked = held(key)
    shown = f"{key}_shown"
    st.session_state[shown] = asked if asked in options else default
    st.selectbox(
        label,
        list(options),
        key=shown,
        format_func=lambda code: options.get(code, code),
        help=help,
        disabled=disabled,
        on_change=_one_picked,
        args=(key, default),
    )
    return str(st.session_state[shown])


def _one_picked(key: str, default: str) -> None:
    chosen = st.session_state[f"{key}_shown"]
    st.session_state[key] = "" if chosen == default else chosen


def chosen_codes(asked: str, options: Sequence[str], default: Sequence[str] = ()) -> tuple[str, ...]:
    """The codes an address names, of those offered; the default when it names none."""
    if asked == NONE_CHOSEN:
        return ()
    return tuple(code for code in asked.split(SEPARATOR) if code in options) or tuple(default)


def pick_many(
    draw: Callable[..., Any],
    label: str,
    key: str,
    options: Mapping[str, str],
    default: Sequence[str] = (),
    **looks: Any,
) -> tuple[str, ...]:
    """Pills or a multiselect over code -> label. ``draw`` is ``st.pills`` or ``st.multiselect``."""
    codes = chosen_codes(held(key), list(options), default)
    shown = f"{key}_shown"
    st.session_state[shown] = list(codes)
    draw(
        label,
        list(options),
        key=shown,
        format_func=lambda code: options.get(code, code),
        on_change=_many_picked,
        args=(key, tuple(default)),
        **looks,
    )
    return codes


def _many_picked(key: str, default: tuple[str, ...]) -> None:
    chosen = tuple(st.session_state[f"{key}_shown"] or ())
    if chosen == default:
        st.session_state[key] = ""
    else:
        st.session_state[key] = joined(chosen) or NONE_CHOSEN
