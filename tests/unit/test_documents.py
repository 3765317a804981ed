"""Links in the documents lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.outside import PROJECT

FOLDERS = ("docs", "deploy", "tests/data")
DOCUMENTS = [
    *PROJECT.glob("*.md"),
    *(path for folder in FOLDERS for path in PROJECT.joinpath(folder).rglob("*.md")),
]
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """What a document points to in this repository: the file, and the section or nothing."""
    for target in _LINK.findall(_CODE.sub("", document.read_text(encoding="utf-8"))):
        if "://" not in target:
            file, _, section = target.partition("#")
            yield (document.parent / file if file else document).resolve(), section


def sections(document: Path) -> set[str]:
    """The names by which its headings can be linked to, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_somewhere(document: Path) -> None:
    for file, section in links(document):
        assert file.exists(), file
        assert not section or section in sections(file), (file, section)


def test_there_are_documents_with_links() -> None:
    assert any(section for document in DOCUMENTS for _, section in links(document))
