"""Lint of prompt texts for things that must not be in git: secrets and personal data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ldconf.core.diagnostic import Severity
from ldconf.documents.lint.prompts import document, prompts
from ldconf.documents.lint.rule import Finding, Rule, Scope

_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a LaunchDarkly key",
        re.compile(r"\b(?:api|sdk|mob)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    ),
    ("an Anthropic key", re.compile(r"\bsk-ant-[\w-]{20,}")),
    ("an OpenAI key", re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9_-]{20,}")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("a Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a Stripe key", re.compile(r"\b[rs]k_live_[0-9A-Za-z]{16,}")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    (
        "a password",
        re.compile(r"(?i)\b(?:password|passwd|secret|api[_ ]?key)\s*[:=]\s*[\"']?[^\s\"'{]{8,}"),
    ),
)

# Reserved for documentation (RFC 2606, RFC 6761): such addresses belong to nobody.
_RESERVED = re.compile(r"(?i)(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$")
_EMAIL = re.compile(r"\b[\w.+-]+@([\w-]+(?:\.[\w-]+)+)\b")
_PHONE = re.compile(r"(?<![\w.])\+[1-9]\d{0,2}[ .-]?(?:\(?\d{2,4}\)?[ .-]?){2,4}\d{2,4}(?!\w)")
_SSN = re.compile(r"\b(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")
_CARD = re.compile(r"(?<![\w-])(?<![A-Z0-9]{4} )(?:\d[ -]?){13,18}\d\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")


def _is_card(text: str) -> bool:
    """Luhn's check, on digits that stand alone (not inside an account number)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(digits) >= 13 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    compact = text.replace(" ", "")
    turned = compact[4:] + compact[:4]
    return len(compact) >= 15 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _belongs_to_somebody(text: str) -> bool:
    return not _RESERVED.search(text.rpartition("@")[2])


_PERSONAL: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("an e-mail address", _EMAIL, _belongs_to_somebody),
    ("a telephone number", _PHONE, lambda text: sum(c.isdigit() for c in text) >= 9),
    ("a social security number", _SSN, lambda _: True),
    ("a card number", _CARD, _is_card),
    ("an account number (IBAN)", _IBAN, _is_iban),
)


def secrets(scope: Scope) -> Iterator[Finding]:
    """Texts that look like credentials. The finding never repeats them."""
    for prompt in prompts(scope):
        taken: list[tuple[int, int]] = []
        for what, pattern in _SECRETS:
            for hit in pattern.finditer(prompt.text):
                if any(start <= hit.start() < end for start, end in taken):
                    continue
                taken.append(hit.span())
                yield Finding(
                    prompt.address,
                    prompt.path,
                    f"this looks like {what}",
                    "revoke it: it is in git, and every model provider would read it",
                    hit.start(),
                )


def personal_data(scope: Scope) -> Iterator[Finding]:
    """Texts that look like data of a real person. The finding never repeats them."""
    for prompt in prompts(scope):
        for what, pattern, real in _PERSONAL:
            for hit in pattern.finditer(prompt.text):
                if real(hit[0]):
                    yield Finding(
                        prompt.address,
                        prompt.path,
                        f"this looks like {what}",
                        "use a placeholder, or an address under example.com",
                        hit.start(),
                    )


RULES = (
    Rule(
        "prompt-secret",
        Severity.ERROR,
        "A credential in a prompt",
        "A prompt is read by the model's provider, by everybody who can read the repository, and "
        "by a user who asks cleverly.",
        secrets,
        document("Use the key AKIA" + "IOSFODNN7EXAMPLE for the archive."),
        document("Use the archive tool."),
    ),
    Rule(
        "prompt-personal-data",
        Severity.WARNING,
        "Personal data in a prompt",
        "E-mail addresses, telephone, card and account numbers in a prompt go to the model's "
        "provider with every request, and stay in the history of the repository.",
        personal_data,
        document("Complaints go to jane.doe@petstore.co."),
        document("Complaints go to complaints@example.com."),
    ),
)
