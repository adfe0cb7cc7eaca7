"""Headless Chromium for tests: pages of files alone, as a reader sees them."""

import base64
import contextlib
import json
import shutil
from pathlib import Path

# Names of both programs: Debian's packages chromium and chromium-driver, then others.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ABSENT = "Chromium and chromedriver are not installed (Debian: apt install chromium chromium-driver)"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # a container has no user for it
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever a page asks for outside of it fails
)
# Contrast of each text with what is behind it, as WCAG 2.2 defines it (1.4.3): those below the bound.
_FAINT = """
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parse = text => {  // rgb(0 to 255), or color(srgb 0 to 1) of a mixture
  const parts = (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  return text.startsWith("color(") ? parts.map((value, i) => (i < 3 ? 255 * value : value)) : parts;
};
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const over = (top, below) => {
  const share = top[3] ?? 1;
  return [0, 1, 2].map(i => top[i] * share + below[i] * (1 - share));
};
const behind = element => {
  const layers = [];
  for (let node = element; node; node = node.parentElement) {
    const color = parse(getComputedStyle(node).backgroundColor);
    layers.push(color);
    if ((color[3] ?? 1) === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
};
const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, element = node.parentElement;
  if (!node.data.trim() || element.closest("script, style, title, desc") || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const ground = behind(element);
  const front = over(parse(element instanceof SVGElement ? style.fill : style.color), ground);
  const [low, high] = [light(ground), light(front)].sort((a, b) => a - b);
  const size = parseFloat(style.fontSize), bold = style.fontWeight >= 700;
  const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
  const ratio = (high + 0.05) / (low + 0.05);
  if (ratio < least) faint.push(`${node.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
}
return faint;
"""
_UNLABELLED = """
const found = [], say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 100)}`);
const all = selector => [...document.querySelectorAll(selector)];
for (const image of all("img")) if (!image.hasAttribute("alt")) say("no alt", image);
for (const svg of all("svg")) {
  const named = svg.getAttribute("aria-label") || svg.querySelector("title") || svg.getAttribute("aria-labelledby");
  if (svg.getAttribute("aria-hidden") !== "true" && !(svg.getAttribute("role") === "img" && named)) say("no text", svg);
}
for (const table of all("table")) if (!table.querySelector("th")) say("no heads", table);
for (const th of all("th")) if (!th.getAttribute("scope")) say("no scope", th);
for (const field of all("input, select")) if (!field.labels.length && !field.ariaLabel) say("no label", field);
for (const button of all("button")) if (!button.textContent.trim() && !button.ariaLabel) say("no name", button);
for (const part of all("*")) {
  if (part.scrollWidth > part.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(part).overflowX)
      && part.tabIndex < 0 && part !== document.documentElement) say("scrolls without a keyboard", part);
}
let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6")) {
  if (heading.tagName[1] > level + 1) say("skips a level", heading);
  level = +heading.tagName[1];
}
const ids = new Set();
for (const element of all("[id]")) ids.has(element.id) ? say("id twice", element) : ids.add(element.id);
if (!document.documentElement.lang) found.push("no language");
return found;
"""


def programs() -> tuple[str, str] | None:
    """Paths of the browser and of its driver; `None` where one of them is not installed."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    return None if browser is None or driver is None else (browser, driver)


@contextlib.contextmanager
def browser():
    """A `Browser`, which is closed at the end."""
    from selenium import webdriver

    binary, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()


class Browser:
    """One window, in which pages are opened one after the other.

    Args:
        chrome: Driver of selenium.
    """

    def __init__(self, chrome):
        self.chrome = chrome

    def open(self, file: Path, width: int = 1280, scheme: str = "light", medium: str = "screen") -> None:
        """Open a file in a window of `width` CSS pixels, with the reader's colour scheme, on a screen or on paper."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        self.command(
            "Emulation.setEmulatedMedia",
            media=medium,
            features=[
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},  # one waits for no scrolling
            ],
        )
        self.logs("browser"), self.logs("performance")  # of the page before
        self.chrome.get(file.resolve().as_uri())

    def command(self, name: str, **arguments):
        """A command of the Chrome DevTools protocol."""
        return self.chrome.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments):
        """The value that JavaScript returns."""
        return self.chrome.execute_script(script, *arguments)

    def element(self, selector: str):
        """The first element of a CSS selector, on which one can `click()` and type by `send_keys(text)`."""
        return self.chrome.find_element("css selector", selector)

    def logs(self, kind: str) -> list[dict]:
        """Entries since the last call."""
        return self.chrome.get_log(kind)

    def errors(self) -> list[str]:
        """Whatever the page wrote to the console, errors of its script included."""
        return [entry["message"] for entry in self.logs("browser")]

    def requests(self) -> list[str]:
        """Addresses that the page asked for, but for itself and what it holds."""
        messages = [json.loads(entry["message"])["message"] for entry in self.logs("performance")]
        asked = [part["params"] for part in messages if part["method"] == "Network.requestWillBeSent"]
        urls = [part["request"]["url"] for part in asked if part["request"]["url"] != part["documentURL"]]
        return [url for url in urls if not url.startswith("data:")]

    def undecoded(self) -> list[str]:
        """Images that are not shown."""
        script = "return [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src.slice(0, 80))"
        return self.run(script)

    def wide(self) -> list[str]:
        """Elements that are wider than the window, so that the page scrolls sideways."""
        script = """
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > width + 1)
                .map(e => e.outerHTML.slice(0, 120));
        """
        return self.run(script)

    def unlabelled(self) -> list[str]:
        """What a reader who does not see the page would miss: texts of pictures, heads of tables, labels of fields."""
        return self.run(_UNLABELLED)

    def faint(self) -> list[str]:
        """Texts whose contrast is below that of WCAG 2.2, level AA."""
        return self.run(_FAINT)

    def picture(self, file: Path) -> None:
        """Write a picture of the whole page, as PNG."""
        result = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(result["data"]))

    def print(self) -> bytes:
        """The page on paper, as PDF."""
        return base64.b64decode(self.command("Page.printToPDF")["data"])
