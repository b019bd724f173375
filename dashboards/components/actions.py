"""What a reader can do about a case: comment, assign, acknowledge; each is one event, kept for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import streamlit as st

from dashboards import data, numbers, saying
from throughline import clock
from throughline.state import Event

_SPEAKER = "speaker"
_ANSWER = "said_answer"


@dataclass(frozen=True)
class _Form:
    """One of the forms of one case. Its fields are of this case: no half-written word moves to the next."""

    name: str
    case: data.Row
    events: Sequence[Event]
    fields: tuple[str, ...]

    @property
    def object_id(self) -> str:
        return str(self.case["exception_id"])

    def key(self, field: str) -> str:
        return f"{self.name}_{field}_{self.object_id}"

    def held(self, field: str) -> Any:
        return st.session_state.get(self.key(field))

    def text(self, field: str) -> str:
        return str(self.held(field) or "")

    def speaker(self) -> None:
        """The name it is kept under, unless the reader is signed in; asked once per session."""
        if data.signed_in_as():
            return
        if not self.text("speaker"):
            st.session_state[self.key("speaker")] = st.session_state.get(_SPEAKER, "")
        st.text_input("Your name", key=self.key("speaker"))

    def send(self, label: str, word: Callable[[], saying.Word]) -> None:
        st.form_submit_button(
            label, type="primary", key=f"send_{self.name}", on_click=self._say, args=(word,)
        )

    def _say(self, word: Callable[[], saying.Word]) -> None:
        """Keeps what was said, or says why not and leaves the form as it is."""
        try:
            speaker = saying.spoken_by(data.signed_in_as() or self.text("speaker"))
            said = word()
            # somebody else may have said something since this page was drawn: both are shown, nothing is lost
            known = [event.event_id for event in self.events]
            if [event.event_id for event in data.people(self.object_id)] != known:
                raise saying.RefusedError(
                    "Somebody else has said something meanwhile; it stands in the history now. Read it, then "
                    "say yours again."
                )
        except saying.RefusedError as problem:
            st.session_state[_ANSWER] = (self.object_id, False, str(problem))
            return
        data.say(said.kind, self.object_id, speaker, said.payload)
        st.session_state[_SPEAKER] = speaker
        for field in self.fields:
            st.session_state.pop(self.key(field), None)
        st.session_state[_ANSWER] = (self.object_id, True, "Recorded; it stands in the history.")


def actions(case: data.Row, events: Sequence[Event]) -> None:
    """The forms; ``events`` are what people had said when the page was drawn."""
    with st.container(horizontal=True, gap="small", key="actions"):
        _comment(_Form("comment", case, events, ("text",)))
        _assign(_Form("assign", case, events, ("owner", "due")))
        if case["outcome"] == "EXCEPTION":
            _acknowledge(_Form("acknowledge", case, events, ("reason", "until")))
    answer = st.session_state.pop(_ANSWER, None)
    if answer and answer[0] == case["exception_id"]:
        (st.success if answer[1] else st.warning)(numbers.md(answer[2]))


def _comment(form: _Form) -> None:
    with (
        st.popover("Comment", icon=":material/chat:", key="open_comment"),
        st.form("say_comment", border=False),
    ):
        st.text_area("Comment", key=form.key("text"), max_chars=2000)
        form.speaker()
        form.send("Add comment", lambda: saying.comment(form.text("text")))


def _assign(form: _Form) -> None:
    with (
        st.popover("Assign", icon=":material/person_add:", key="open_assign"),
        st.form("say_assign", border=False),
    ):
        st.text_input("Who works on it", key=form.key("owner"))
        st.date_input("Due (may stay empty)", value=None, min_value=clock.today(), key=form.key("due"))
        form.speaker()
        form.send("Assign", lambda: saying.assignment(form.text("owner"), form.held("due"), clock.today()))


def _acknowledge(form: _Form) -> None:
    today = clock.today()
    with (
        st.popover("Acknowledge", icon=":material/visibility:", key="open_acknowledge"),
        st.form("say_acknowledge", border=False),
    ):
        st.caption("Takes note of it for a while. It stays open and keeps counting.")
        st.text_area(
            f"Reason, at least {saying.REASON_LENGTH} characters", key=form.key("reason"), max_chars=2000
        )
        st.date_input(
            "Until",
            value=None,
            min_value=today,
            max_value=today + timedelta(days=saying.LONGEST_ACKNOWLEDGEMENT),
            key=form.key("until"),
            help=f"At most {saying.LONGEST_ACKNOWLEDGEMENT} days; then it comes back as reopened.",
        )
        form.speaker()
        form.send(
            "Acknowledge",
            lambda: saying.acknowledgement(form.case, form.text("reason"), form.held("until"), clock.today()),
        )
