"""Which keys stand for a secret, in any spelling: `apiKey`, `api-key` and `API_KEY`."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")

_ANYWHERE = re.compile(
    r"passw(?:or)?d(?!less)|passwort|passphrase|credential|authorization|connectionstring|connstr"
    r"|(?:api|access|account|private|secret|encryption|signing|master|ssh|storage)key|basicauth"
    r"|(?:pass|pin|otp|mfa)code|(?:sharedaccess|amz|goog)signature"
    r"|(?:admin|db|ldap|mysql|pg|postgres|proxy|redis|root|smtp|user)pass$"
)
"""Says secret wherever it stands in a key whose words are joined."""

_WHOLE_WORD = re.compile(r"pwd|dsns?|creds?|jwts?|\w*(?:secrets?|cookies?|token|pwd)")

_LAST_WORD = re.compile(r"pass|pin|pw|t?otp|bearer|sig")
"""Short ones mean something else before other words: `pass_rate`, `pin_to_cpu`."""

_TOKENS = re.compile(r"(?:access|api|auth|bearer|id|refresh|session)tokens")
"""In the plural, tokens are mostly counted."""

_HARMLESS_END = re.compile(
    r"accepted|age|algorithm|at|attempts|bits|bucket|bytes|changed|counts?|days|denied|domain"
    r"|enabled|endpoint|error|expired|expires|expiry|failed|files?|hosts?|hours|in|invalid|length"
    r"|limit|loaded|ms|names?|paths?|policy|provider|rejected|requested|required|rotated|rounds"
    r"|seconds|secure|size|source|status|strength|total|ttl|types?|ur[il]|valid|validator"
    r"|versions?"
)
"""The last word of keys that tell something of a secret and not the secret itself."""

_HARMLESS = re.compile(
    r".*(?:(?<!access)keyid|tokenid"
    r"|(?:unexpected|next|page|pagination|continuation|continue|fencing|cancellation)token)"
)
"""Names a secret, or is a token that opens nothing: `api_key_id`, `next_page_token`."""


def words_of(key: str) -> list[str]:
    """Divide a key into its words, in small letters."""
    return [word.lower() for word in _WORD.findall(key)]


def is_secret(words: list[str]) -> bool:
    """Whether what stands under a key of these words is secret."""
    named = [word for word in words if not word.isdigit()]
    if not named or _HARMLESS_END.fullmatch(words[-1]):
        return False
    joined = "".join(words)
    if _HARMLESS.fullmatch(joined):
        return False
    return (
        _ANYWHERE.search(joined) is not None
        or _TOKENS.search(joined) is not None
        or _LAST_WORD.fullmatch(named[-1]) is not None
        or any(_WHOLE_WORD.fullmatch(word) for word in named)
    )


def own_key(key: object) -> str:
    """Give the words of a key that a user added, joined by `-`. Raises ValueError without any."""
    words = words_of(key) if isinstance(key, str) else []
    if not words:
        raise ValueError(f"a key to redact is a name such as card_number, got {key!r}")
    return "-".join(words)
