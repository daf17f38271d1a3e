"""Accessibility, checked by axe-core in the page itself."""

from playwright.sync_api import Page

from tests.support.server import ROOT
from tests.support.tools import missing

_SOURCE = ROOT / "tests" / "acceptance" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  const described = (node) => `${node.target} ${node.any.map(({message}) => message)}`;
  return violations.filter(({impact}) => ["serious", "critical"].includes(impact)).map(
    ({id, help, nodes}) => `${id}: ${help}: ${nodes.map(described)}`);
}"""


def require_axe() -> None:
    """Skip the test, or fail it in CI, if axe-core is not installed."""
    if not _SOURCE.exists():
        missing("axe-core (make test-tools)")


def violations(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the elements concerned."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SOURCE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN)
    return found
