"""A page as its elements and its text."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Every element of a page: its tag, its attributes; and all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]
