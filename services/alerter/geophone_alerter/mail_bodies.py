"""A mail's content as plain text and as HTML [core].

The HTML is for a mail program: tables and inline styles, no script, nothing to fetch. Every text is
escaped.
"""

from html import escape

from geophone_alerter.mail_content import Content, Section

_FONT = "font-family:sans-serif;font-size:14px;color:#1a1a1a"
_LABEL = "padding:2px 16px 2px 0;vertical-align:top;color:#555555;white-space:nowrap"
_TEXT = "padding:2px 0;vertical-align:top;font-family:monospace;word-break:break-all"


def text_body(content: Content) -> str:
    """The content as lines of text, labels aligned."""
    lines = [content.headline]
    for section in content.sections:
        width = max((len(label) for label, _ in section.rows), default=0)
        lines += ["", section.title]
        lines += [f"  {label:{width}}  {text}" for label, text in section.rows]
    return "\n".join([*lines, "", *content.notes, ""])


def html_body(content: Content) -> str:
    """The content as an HTML document."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"></head>',
        f'<body style="{_FONT}">',
        f'<p style="font-size:16px;font-weight:bold">{escape(content.headline)}</p>',
        *(_table(section) for section in content.sections),
        *(f'<p style="color:#555555">{escape(note)}</p>' for note in content.notes),
        "</body></html>",
        "",
    ]
    return "\n".join(parts)


def _table(section: Section) -> str:
    rows = "\n".join(
        f'<tr><td style="{_LABEL}">{escape(label)}</td><td style="{_TEXT}">{escape(text)}</td></tr>'
        for label, text in section.rows
    )
    title = f'<p style="font-weight:bold;margin:16px 0 4px 0">{escape(section.title)}</p>'
    return f'{title}\n<table style="border-collapse:collapse">\n{rows}\n</table>'
