"""Chromium without a window, and what a page looks like in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

ROWS = "[...document.querySelectorAll('[data-row]')]"

CONTRAST = Path(__file__).with_name("contrast.js").read_text("ascii")


class Browser:
    """One Chromium for many pages."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(
        self, page: Path | str, width: int = 1280, scheme: str = "light", *, scripts: bool = True, media: str = ""
    ) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        features += [{"name": "prefers-reduced-motion", "value": "reduce"}]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.cdp("Emulation.setEmulatedMedia", media=media, features=features)
        self.cdp("Emulation.setDeviceMetricsOverride", **size)
        self.cdp("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.driver.get("about:blank")
        self.log("browser")
        self.log("performance")
        self.driver.get(page if isinstance(page, str) else page.as_uri())

    def cdp(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    def log(self, name: str) -> list[dict[str, Any]]:
        return self.driver.get_log(name)

    def js(self, expression: str) -> Any:
        """The value of an expression."""
        return self.driver.execute_script(f"return {expression}")

    def shown(self) -> set[str]:
        """Fingerprints of the findings that can be seen."""
        return self._fingerprints("each.checkVisibility()")

    def kept(self) -> set[str]:
        """Fingerprints of the findings that no filter hides. To ask for the style of thousands takes minutes."""
        return self._fingerprints("!each.closest('[hidden]')")

    def _fingerprints(self, condition: str) -> set[str]:
        names = self.js(f"{ROWS}.filter(each => {condition}).map(each => each.id)")
        return {name.removeprefix("f-") for name in names}

    def contrasts(self) -> list[dict[str, Any]]:
        """Of every text that can be seen: its ratio to what is behind it, and the least that WCAG 2.2 AA allows."""
        return self.driver.execute_script(CONTRAST)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
