#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that relative links of Markdown files lead to files that exist, and
that anchors name a heading. Called by utils/check-docs."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def text_of(path):
    """The file without code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda match: match.group().replace("[", " "), text)


def anchors(path):
    """Headings as the usual renderers turn them into anchors."""
    found = set()
    for heading in re.findall(r"^#+ +(.*?) *#*$", path.read_text(), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


def main():
    bad = 0
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        if not page.exists():
            continue
        for link in LINK.findall(text_of(page)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            reason = None
            if not target.exists():
                reason = "leads nowhere"
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                reason = f"names no heading of {target.relative_to(ROOT)}"
            if reason:
                print(f"{page.relative_to(ROOT)}: error: link '{link}' {reason}")
                bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
