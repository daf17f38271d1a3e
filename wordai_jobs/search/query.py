"""What somebody searches for: words that must all be on a page, the last one perhaps unfinished."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wordai_jobs.search.terms import Token, tokens

_HYPHEN = re.compile(r"\w[-\u00ad\u2010\u2011]\w")

# Where something begins and ends in a text.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Tokens that must follow each other. With `is_open`, the last one may be only a beginning."""

    tokens: tuple[Token, ...]
    is_open: bool

    @property
    def expression(self) -> str:
        """For FTS5: a string, which has no syntax of its own."""
        *others, last = self.tokens
        terms = [term for token in others for term in token.terms]
        # Any part of a run is found: where this one ends, the page's may go on.
        terms += last.terms[:-1] if len(last.terms) > 1 else last.terms
        is_open = len(last.plain) == 1 if last.is_run else self.is_open
        quoted = " ".join(terms).replace('"', '""')
        return f'"{quoted}" *' if is_open else f'"{quoted}"'

    def spans(self, found: Sequence[Token]) -> Iterator[Span]:
        """Where it is among the tokens of a text; a span for each token."""
        count = len(self.tokens)
        if count == 1 and self.tokens[0].is_run:
            wanted = self.tokens[0].plain
            for token in found:
                at = token.plain.find(wanted) if token.is_run else -1
                while at >= 0:
                    yield token.offsets[at], token.offsets[at + len(wanted) - 1] + 1
                    at = token.plain.find(wanted, at + len(wanted))
            return
        first = self.tokens[0]
        has_first = str.endswith if first.is_run else str.startswith
        starts = [at for at, token in enumerate(found) if has_first(token.plain, first.plain)]
        for start in starts:
            part = found[start : start + count]
            if len(part) == count and all(map(self._fits, range(count), part)):
                yield from map(self._span, range(count), part)

    def _fits(self, at: int, token: Token) -> bool:
        wanted, is_last = self.tokens[at], at == len(self.tokens) - 1
        if wanted.is_run != token.is_run:
            return False
        if is_last and (self.is_open or wanted.is_run):
            return token.plain.startswith(wanted.plain)
        if at == 0 and wanted.is_run:
            return token.plain.endswith(wanted.plain)
        return token.plain == wanted.plain

    def _span(self, at: int, token: Token) -> Span:
        wanted = self.tokens[at]
        if not wanted.is_run:
            return token.start, token.end
        if at == 0:
            return token.offsets[-len(wanted.plain)], token.end
        return token.start, token.offsets[len(wanted.plain) - 1] + 1


class Query:
    """The words that somebody searches for. Everything in them is data."""

    def __init__(self, text: str) -> None:
        pieces = [(piece, tuple(tokens(piece))) for piece in text.split()]
        pieces = [(piece, found) for piece, found in pieces if found]
        # Each word once, in the forms that it may have on a page.
        self._words = list(
            dict.fromkeys(
                tuple(_forms(piece, found, is_open=number == len(pieces)))
                for number, (piece, found) in enumerate(pieces, 1)
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether it has neither a letter nor a digit, so that nothing is found."""
        return not self._words

    @property
    def expression(self) -> str:
        """For FTS5."""
        words = (" OR ".join(form.expression for form in forms) for forms in self._words)
        return " AND ".join(f"({word})" for word in words)

    def spans(self, text: str) -> list[list[Span]]:
        """Where the words are in a text: a list for each word."""
        found = list(tokens(text))
        return [
            sorted({span for form in forms for span in form.spans(found)}) for forms in self._words
        ]


def _forms(piece: str, found: tuple[Token, ...], *, is_open: bool) -> Iterator[_Phrase]:
    """A word as it is, and without its hyphens, which a line end may have been taken for."""
    yield _Phrase(found, is_open)
    if len(found) > 1 and _HYPHEN.search(piece) and not any(token.is_run for token in found):
        whole = "".join(token.plain for token in found)
        yield _Phrase((Token(whole, 0, len(piece)),), is_open)
