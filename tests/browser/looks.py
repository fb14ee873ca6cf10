"""What can be said of a page's looks by measuring: contrast, width, size of what one taps on."""

from __future__ import annotations

from browser.chrome import Page

# WCAG 2.2, 1.4.3: 4.5, or 3 for large text. Every text that can be seen, over the background that is behind it.
CONTRAST = """(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      const alpha = parts(color)[3];
      if (alpha === undefined || alpha === 1) return color;
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const schemes = getComputedStyle(document.documentElement).colorScheme;
    return schemes === "dark" || (dark && schemes.includes("dark")) ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style, .hidden, .skip, svg")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(style.color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const text = walker.currentNode.data.trim().slice(0, 30);
    if (ratio < (large ? 3 : 4.5)) found.add(`${ratio.toFixed(2)} ${element.localName}.${element.className}: ${text}`);
  }
  return [...found];
})()"""

# WCAG 2.2, 2.5.8: 24 by 24, but for links in a sentence.
SMALL = """[...document.querySelectorAll("button, input, select, nav a, header a")]
  .filter((each) => each.checkVisibility() && !each.closest(".hits") && !each.matches(".skip, [type=hidden]"))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([each, box]) => box.width < 24 || box.height < 24)
  .map(([each, box]) => `${each.outerHTML.slice(0, 60)} ${box.width}x${box.height}`)"""

# Not innerWidth: a phone's browser zooms out to show a page that is too wide, and says so there.
WIDE = """(() => {
  const page = document.scrollingElement;
  const width = document.documentElement.clientWidth;
  if (page.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > width + 1)
    .map((each) => `${each.localName}.${each.className}`).slice(0, 5);
})()"""


def faint(page: Page) -> list[str]:
    """Return texts that have too little contrast."""
    return page.run(CONTRAST)


def small(page: Page) -> list[str]:
    """Return what is too small to tap on."""
    return page.run(SMALL)


def wide(page: Page) -> list[str]:
    """Return what makes the page wider than the window, so that one has to scroll sideways to read."""
    return page.run(WIDE)
