"""Choices that live in the address as stable codes, whatever their labels say.

A bound select widget writes its *labels* into the address, so a renamed client or a changed count would
break every link. Here the address is held, as codes, by a bound text field that is not shown; the widget that
is shown follows it, and writes into it when somebody chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import streamlit as st

SEPARATOR = ";"
NONE_CHOSEN = "any"
# beyond it nobody means a number
LARGEST = Decimal(10) ** 12


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


def pick_number(label: str, key: str, default: Decimal | None, help: str | None = None) -> Decimal | None:
    """A number the reader may set; None while the default stands, which may be unknown."""
    asked = _number(held(key))
    shown = f"{key}_shown"
    st.session_state[shown] = _text(default if asked is None else asked)
    st.text_input(
        label, key=shown, help=help, placeholder="not known", on_change=_number_picked, args=(key, default)
    )
    return asked


def _number_picked(key: str, default: Decimal | None) -> None:
    chosen = _number(st.session_state[f"{key}_shown"])
    st.session_state[key] = "" if chosen is None or chosen == default else _text(chosen)


def _number(text: str) -> Decimal | None:
    """A number of nought or more as people write it; None where it is none or nobody means it."""
    try:
        found = Decimal(text.replace(",", "").replace(" ", "").rstrip("%"))
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found < LARGEST else None


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"


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
