from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ldconf.render.textdiff import Op, Span, compare, preview

WORDS = st.lists(st.sampled_from(["be", "brief", "kind", ".", "! ", "\n", " ", "\n\n", "ünï"]))


def side(spans: tuple[Span, ...], wanted: Op) -> str:
    return "".join(span.text for span in spans if span.op in (Op.SAME, wanted))


@given(WORDS, WORDS)
def test_spans_hold_both_texts(before: list[str], after: list[str]) -> None:
    old, new = "".join(before), "".join(after)
    spans = compare(old, new)
    if all(span.op is not Op.FOLDED for span in spans):
        assert side(spans, Op.REMOVED) == old
        assert side(spans, Op.ADDED) == new


def test_one_word_in_a_long_single_line_keeps_a_little_context() -> None:
    words = " ".join(f"word{number}" for number in range(400))
    spans = compare(words, words.replace("word200 ", "other "))
    assert [span.op for span in spans] == [
        Op.FOLDED,
        Op.SAME,
        Op.REMOVED,
        Op.ADDED,
        Op.SAME,
        Op.FOLDED,
    ]
    assert (spans[2].text, spans[3].text) == ("word200", "other")
    assert spans[0].text.endswith("words")
    assert max(len(span.text) for span in spans) <= 72


def test_unchanged_lines_between_two_changes_are_folded() -> None:
    text = "\n".join(f"line {number} of the prompt" for number in range(50))
    spans = compare(text, text.replace("line 3 ", "row 3 ").replace("line 40 ", "row 40 "))
    folded = [span.text for span in spans if span.op is Op.FOLDED]
    assert folded == ["35 lines", "8 lines"]


def test_rewritten_sentence_is_not_cut_into_words() -> None:
    spans = compare("Be nice to all.", "Refuse everything else!")
    assert spans == (
        Span(Op.REMOVED, "Be nice to all."),
        Span(Op.ADDED, "Refuse everything else!"),
    )


def test_neighbouring_words_are_one_change() -> None:
    spans = compare("a fine old house stands here", "a grand new house stands here")
    assert Span(Op.REMOVED, "fine old") in spans
    assert Span(Op.ADDED, "grand new") in spans


def test_huge_rewritten_block_is_compared_in_bounded_time() -> None:
    old, new = " ".join(["alpha beta"] * 4000), " ".join(["beta gamma"] * 4000)
    assert [span.op for span in compare(old, new)] == [Op.REMOVED, Op.ADDED]


def test_preview_folds_the_rest() -> None:
    spans = preview("one\ntwo\nthree\n" + "and so on\n" * 20, Op.ADDED)
    assert spans == (Span(Op.ADDED, "one\ntwo\nthree\n"), Span(Op.FOLDED, "20 lines"))


def test_preview_of_a_long_line_ends_at_a_word() -> None:
    spans = preview("word " * 200, Op.REMOVED)
    assert spans[0].text.endswith("word ")
    assert spans[1] == Span(Op.FOLDED, "152 words")


def test_preview_shows_a_short_text_whole() -> None:
    assert preview("Be brief.", Op.ADDED) == (Span(Op.ADDED, "Be brief."),)


def test_preview_of_one_endless_word_is_cut_anywhere() -> None:
    assert preview("x" * 900, Op.ADDED)[0].text == "x" * 240


def test_lines_added_behind_the_end_are_added_whole() -> None:
    before = "1. one\n2. what to do next."
    for more in ('\n\n3. Say "Woof".', "\n3. an apology"):
        assert compare(before, before + more) == (Span(Op.SAME, before), Span(Op.ADDED, more))
        assert compare(before + more, before) == (Span(Op.SAME, before), Span(Op.REMOVED, more))
