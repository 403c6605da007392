"""A conversation on a terminal: prompts, and commands that start with a slash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ldconf.agent.pet_store import Answer, PetStoreAgent
from ldconf.agent.task import Conversation
from ldconf.agent.wording import about, warnings

HELP = """\
/feedback good|bad  tell LaunchDarkly what you think of the last answer
/user KEY           become another user, in a new conversation
/new                start a new conversation
/help               this text
/quit               leave (or Ctrl-D)
Enter sends, Alt-Enter starts a new line."""
_THUMBS = {"good": True, "bad": False}


@dataclass
class Chat:
    """One conversation after the other. `write` gets answers, `remark` everything around them."""

    agent: PetStoreAgent
    user: Mapping[str, Any]
    simulated: bool
    write: Callable[[str], None]
    remark: Callable[[str], None]
    _last: Answer | None = field(default=None, init=False)
    _number: int = field(default=1, init=False)

    def take(self, line: str) -> bool:
        """Act on one input; False if the user wants to leave."""
        text = line.strip()
        if text in ("/quit", "/exit"):
            return False
        if text.startswith("/"):
            self._command(*text.split(maxsplit=1))
        elif text:
            self._ask(text)
        return True

    def _ask(self, text: str) -> None:
        conversation = Conversation(f"chat {self.user['key']} {self._number}", remember=True)
        try:
            answer = self.agent.ask(text, self.user, conversation, self.write)
        except Exception as error:  # tracked by the agent; the conversation goes on
            self.remark(f"\nerror: {error}")
            return
        self._last = answer
        if not answer.result.text:  # nothing was streamed
            self.write(answer.text)
        self.write("\n")
        for line in (about(answer, simulated=self.simulated), *warnings(answer)):
            self.remark(line)

    def _command(self, name: str, rest: str = "") -> None:
        match name:
            case "/help":
                self.remark(HELP)
            case "/new":
                self._begin(self.user)
            case "/user" if rest:
                self._begin({**self.user, "key": rest})
            case "/feedback" if rest in _THUMBS:
                self._feedback(positive=_THUMBS[rest])
            case _:
                self.remark(f"no such command: {name} {rest}".rstrip() + "; /help lists them")

    def _begin(self, user: Mapping[str, Any]) -> None:
        self.user, self._last = user, None
        self._number += 1
        self.remark(f"new conversation of {user['key']}")

    def _feedback(self, *, positive: bool) -> None:
        if self._last is None:
            self.remark("there is no answer yet")
            return
        self.agent.feedback(self._last, positive=positive)
        answered = self._last.variation or "the built-in default"
        self._last = None  # counts once
        self.remark(f"{'positive' if positive else 'negative'} feedback for {answered}")
