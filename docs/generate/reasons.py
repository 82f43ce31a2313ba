"""The page of reasons, made from their catalogue."""

from __future__ import annotations

from docs.generate import untyped_fixes
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.reason_catalogue import MEANING
from scanner.service.config_hint import configured

_HEAD = """# Reasons

Every verdict and every failure names one of these words. The word is also the `reason` of the API, the label of
`archscan_finding` and the anchor on this page. This page is made from the code: `python -m docs.generate`.
"""


def page() -> str:
    """The reference of all reasons, in Markdown."""
    parts = [_HEAD]
    image = image_reference("registry.example/shop/api:1.4")
    trouble = remedy.Trouble("web-1", str(image), Platform("linux", "arm64"), (), "/entrypoint.sh", reference=image)
    for status in Status:
        parts.append(f"\n## {status}\n")
        for reason in (reason for reason in Reason if STATUS_OF[reason] is status):
            fix = configured(remedy.fix(reason, trouble), reason, None, image)
            parts.append(f"\n### {reason}\n\n{MEANING[reason]}\n")
            if fix.summary:
                parts.append(f"\n{fix.summary}\n")
            if fix.commands:
                parts.append("\n```sh\n" + "\n".join(fix.commands) + "\n```\n")
    return "".join((*parts, untyped_fixes.section()))
