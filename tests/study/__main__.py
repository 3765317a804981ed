"""Prints the tables of `docs/detection.md`: stolen files, and a day without a tunnel."""

import sys
import tempfile
from pathlib import Path

from tests.study.benign_day import benign_day, day_table, outcomes
from tests.study.exfiltration import theft_table, thefts


def main() -> int:
    """Run both studies; takes about half a minute."""
    with tempfile.TemporaryDirectory(prefix="geophone-study-") as folder:
        _say(theft_table(list(thefts(Path(folder)))))
    rows, without, with_list = outcomes(benign_day())
    _say(f"\n{rows:,} transactions\n")
    _say(day_table(without, with_list))
    return 0


def _say(text: str) -> None:
    print(text)  # noqa: T201 - it is what people start it for


if __name__ == "__main__":
    sys.exit(main())
