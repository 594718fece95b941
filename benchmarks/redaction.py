"""How long it takes to clean texts that are hard to clean: ``python benchmarks/redaction.py``. Twice the text, twice the time."""

from __future__ import annotations

import time

from pytest_flexprice.evidence.redaction import Redactor

KEYS = [f"sk_01K8ZQ4T5M6N7P8R9S0TAVWX{number:02}" for number in range(5)]
HARD = {
    "no blank": "a",
    "backslashes": "\\",
    "dots": ".",
    "per cent": "%41",
    "colons": "a:",
    "user names": "://a:",
    "tokens": "eyJ",
    "names": "x-api-key",
    "quotes": 'a:"',
    "line ends": "\n",
    "beginnings of a key": "sk_01K8Z…",
}


def seconds(text: str) -> float:
    """How long one text takes."""
    redactor, began = Redactor(KEYS), time.perf_counter()
    redactor.text(text)
    return time.perf_counter() - began


def main() -> None:
    """Print one line for each kind of text, at two lengths."""
    print(f"{'':22}{'80 kB':>10}{'1 MB':>10}")
    for name, piece in HARD.items():
        short, long = (seconds(piece * (size // len(piece))) for size in (80_000, 1_000_000))
        print(f"{name:22}{short:9.3f}s{long:9.3f}s")


if __name__ == "__main__":
    main()
