"""The words of pages and reports in five languages: one file each in ``edge/lang``, which the browser reads too."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

LANG = Path(__file__).parent / "lang"
LANGUAGES = ("en", "de", "fr", "es", "hi")
_COMMA = ("de", "fr", "es")  # 1,5 and 12 % instead of 1.5 and 12%


class Words:
    """What is said in one language.

    Args:
        language: One of `LANGUAGES`.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._texts = _read(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with {names} filled in."""
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), self._texts[key])

    def number(self, value: float, digits: int = 0) -> str:
        """A number as the language writes it."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language in _COMMA else text

    def percent(self, share: float) -> str:
        """A share of 0 to 1."""
        return f"{share * 100:.0f}\N{NO-BREAK SPACE}%" if self.language in _COMMA else f"{share:.0%}"


def preferred(accept_language: str) -> str:
    """The first known language of an Accept-Language header; English where it names none."""
    wishes = re.findall(r"([a-zA-Z]{2})[\w-]*(?:\s*;\s*q=([\d.]{1,5}))?", accept_language[:200])
    known = [
        (float(share) if share.count(".") < 2 and share.strip(".") else 1.0, name.lower()) for name, share in wishes
    ]
    known = [(share, name) for share, name in known if name in LANGUAGES and share > 0]
    return max(known, key=lambda one: one[0])[1] if known else "en"


@lru_cache
def _read(language: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((LANG / f"{language}.json").read_text("utf-8"))
    return texts


__all__ = ["LANG", "LANGUAGES", "Words", "preferred"]
