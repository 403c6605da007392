"""`ldconf agent chat` on a terminal, with history and lines that can be edited; or from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ldconf.agent.extras import needs
from ldconf.cli.agent_session import Who, Wish, session, user_of
from ldconf.cli.run import Run
from ldconf.core.errors import SettingsError

HISTORY = "chat-history"


def talk(program: Run, wish: Wish, who: Who) -> int:
    """Read prompts until the user leaves."""
    user = user_of(*who)
    with needs("the chat", "agent"):
        import prompt_toolkit  # noqa: F401 - only its presence counts here
    with session(program, wish) as agent:
        from ldconf.agent.chat import Chat

        chat = Chat(agent, user, wish.is_simulated, program.out, program.say)
        for line in _lines(program):
            if not chat.take(line):
                break
    return 0


def _lines(program: Run) -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    program.say("/help lists commands; Alt-Enter starts a new line; Ctrl-D leaves")
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.history import FileHistory, InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    path = _history(program)
    reader: PromptSession[str] = PromptSession(
        "> ",
        multiline=True,
        key_bindings=keys,
        history=FileHistory(str(path)) if path else InMemoryHistory(),
        auto_suggest=AutoSuggestFromHistory(),
    )
    while True:
        try:
            yield reader.prompt()
        except EOFError:
            return


def _history(program: Run) -> Path | None:
    """Return where prompts are kept: in the workspace's hidden folder, else nowhere."""
    try:
        folder = program.root() / ".ldconf"
    except SettingsError:
        return None
    folder.mkdir(exist_ok=True)
    return folder / HISTORY
