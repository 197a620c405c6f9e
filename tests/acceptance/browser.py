"""A real browser, which remembers what went wrong in it and whom it asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.patience import WAIT_S_MAX

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=WAIT_S_MAX * 1000)
AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
FINDINGS = """
axe.run().then(found => JSON.stringify(found.violations
  .filter(each => ["serious", "critical"].includes(each.impact))
  .map(each => [each.id, each.nodes.map(node => node.html)])))
"""


@dataclass
class Visit:
    """One page in one window. complaints: what the console and the page said was wrong. hosts: who was asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    async def sign_in(self, url: str, token: str, path: str = "/") -> None:
        """Open a page as somebody who is not signed in yet."""
        await self.page.goto(f"{url}{path}")
        await self.page.get_by_label("Admin token").fill(token)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.get_by_role("button", name="Sign out").wait_for()

    async def stumbling_blocks(self) -> list[object]:
        """Return what axe-core finds serious. It comes by the debugger, for the page lets in no script but ours."""
        session = await self.page.context.new_cdp_session(self.page)
        asked = {"expression": f"{AXE.read_text()};{FINDINGS}", "awaitPromise": True}
        answer = await session.send("Runtime.evaluate", asked)
        await session.detach()
        found: list[object] = json.loads(answer["result"]["value"])
        return found

    async def is_wider_than_its_window(self) -> bool:
        """Tell whether somebody would have to scroll sideways."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Run a browser with an empty profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def visit(context: BrowserContext) -> Visit:
    """Open a page in a window."""
    context.set_default_timeout(WAIT_S_MAX * 1000)
    return Visit(await context.new_page())
