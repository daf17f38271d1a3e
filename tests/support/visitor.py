"""A person who uses the app in a real browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, expect

# For a loaded machine; a test continues as soon as what it waits for is there.
_PATIENCE_MS = 60_000
_LOOK_EVERY_MS = 100
_FOCUSED = "(({id, className, localName}) => id || className || localName)(document.activeElement)"
_IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Visitor:
    """A fresh browser; `complaints` are failed scripts, policy violations and the like."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        language: str = "en-GB",
        width: int = 1280,
        height: int = 800,
        touch: bool = False,
        scale: float = 1,
        url_to_open: str | None = None,
    ) -> None:
        self.url = url
        self.context = browser.new_context(
            locale=language,
            viewport={"width": width, "height": height},
            has_touch=touch,
            device_scale_factor=scale,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(_PATIENCE_MS)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.goto(url_to_open or url)

    def close(self) -> None:
        self.context.close()
        assert not self.complaints, self.complaints

    def sign_in(self, name: str) -> "Visitor":
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.locator("#drop")).to_be_visible(timeout=_PATIENCE_MS)
        return self

    def choose(self, *pdfs: bytes | Path, filename: str = "my_book.pdf") -> None:
        """Pick files from memory or disk."""
        chosen = [
            FilePayload(
                name=pdf.name if isinstance(pdf, Path) else filename,
                mimeType="application/pdf",
                buffer=pdf.read_bytes() if isinstance(pdf, Path) else pdf,
            )
            for pdf in pdfs
        ]
        self.page.locator("#file").set_input_files(chosen)

    def submit(
        self, pdf: bytes | Path, *, title: str = "A chapter", book: str = "A book"
    ) -> Locator:
        """Upload into the last book, or a new one if there is none; returns the listed job."""
        self.choose(pdf)
        expect(self.page.locator(".queued[data-state='ready']")).to_be_visible(timeout=_PATIENCE_MS)
        whole = self.page.get_by_role("radio", name="One chapter")
        if whole.is_visible():
            whole.check()
        new_book = self.page.get_by_label("Title of the new book")
        if new_book.is_visible():
            new_book.fill(book)
        self.page.get_by_label("Title of the chapter").fill(title)
        with self.page.expect_response("**/chapters/from-pdf") as response:
            self.page.locator("#upload-submit").click()
        job = self.page.locator(f".job[data-job-id='{response.value.json()['job_id']}']")
        expect(job).to_be_attached(timeout=_PATIENCE_MS)
        return job

    def read(self, job: Locator) -> None:
        """Open what the job has created; finished jobs are folded away."""
        job.evaluate("job => { const fold = job.closest('details'); if (fold) fold.open = true; }")
        job.get_by_role("link").click()

    def wait_for_state(self, job: Locator, state: str) -> None:
        """`completed`, `failed` or `cancelled`."""
        expect(job).to_have_attribute("data-state", state, timeout=_PATIENCE_MS)

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Unlike time.sleep, this lets the browser's events be handled."""
        for _ in range(_PATIENCE_MS // _LOOK_EVERY_MS):
            if condition():
                return
            self.page.wait_for_timeout(_LOOK_EVERY_MS)
        raise AssertionError(f"no {what} within {_PATIENCE_MS} ms")

    def wait_for_image(self, number: int) -> None:
        """Wait until the reader shows the image of this page."""
        images = self.page.locator(f".page[data-page='{number}'] img")
        # While a sharper one comes, it is beside the one that is shown.
        is_shown = "([img, more]) => img && !more && img.complete && img.naturalWidth > 300"
        self.wait("image", lambda: bool(images.evaluate_all(is_shown)))

    def text_of(self, number: int) -> Locator:
        """The lines of text over a page's image in the reader, once they are there."""
        lines = self.page.locator(f".page[data-page='{number}'] .text-line")
        expect(lines.first).to_be_attached(timeout=_PATIENCE_MS)
        return lines

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def swipe_up(self, from_y: int, to_y: int) -> None:
        """Swipe with one finger in the middle of the screen."""
        session = self.context.new_cdp_session(self.page)

        def touch(kind: str, *heights: int) -> None:
            points = [{"x": 180, "y": height} for height in heights]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", from_y)
        for step in range(1, 11):
            touch("touchMove", from_y + (to_y - from_y) * step // 10)
        touch("touchEnd")

    @property
    def focused(self) -> str:
        """The id of the element that has the focus, or else its class or tag."""
        found: str = self.page.evaluate(_FOCUSED)
        return found

    def tab_to(self, wanted: str) -> None:
        """Press Tab until the element with this id or class has the focus, or fail."""
        for _ in range(60):
            if wanted in self.focused.split():
                return
            self.press("Tab")
        raise AssertionError(f"{wanted} cannot be reached with Tab")

    @property
    def is_wider_than_screen(self) -> bool:
        wider: bool = self.page.evaluate(_IS_WIDER)
        return wider

    def _listen(self, message: ConsoleMessage) -> None:
        # The browser reports every status from 400 on, even those that the app handles.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)
