// What pages can do beyond links: search while typing, copy code, show in the menu where one is. All of it is extra.
"use strict";

const most = 8;
const input = document.getElementById("q");
const hits = document.getElementById("hits");
const count = document.getElementById("count");
let rows; // [url, page, heading, text] of each section, once somebody searches

// Search. Sections are ranked as gramex/handlers/guidesearch.py does for visitors without scripts.

async function load() {
  rows ??= fetch("search.json").then((answer) => answer.json()).catch(() => { rows = undefined; return []; });
  return rows;
}

function times(text, term) {
  return text.split(term).length - 1;
}

function score([, page, heading, text], terms) {
  const [inPage, inHeading, inText] = [page.toLowerCase(), heading.toLowerCase(), text.toLowerCase()];
  let total = inHeading === terms.join(" ") ? 20 : 0;
  for (const term of terms) {
    let here = Math.min(times(inText, term), 4);
    if (inHeading.includes(term)) here += ` ${inHeading}`.includes(` ${term}`) ? 12 : 8;
    if (inPage.includes(term)) here += 3;
    if (!here) return 0;
    total += here;
  }
  return total;
}

function words(query) {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

function marked(text, terms) {
  const parts = document.createDocumentFragment();
  const low = text.toLowerCase();
  let end = 0;
  while (low.length === text.length) {
    const found = terms.map((term) => [low.indexOf(term, end), term.length]).filter(([place]) => place >= 0);
    if (!found.length) break;
    const [place, length] = found.sort((a, b) => a[0] - b[0] || b[1] - a[1])[0];
    const mark = document.createElement("mark");
    mark.textContent = text.slice(place, place + length);
    parts.append(text.slice(end, place), mark);
    end = place + length;
  }
  parts.append(text.slice(end));
  return parts;
}

function excerpt(text, terms) {
  const places = terms.map((term) => text.toLowerCase().indexOf(term)).filter((place) => place >= 0);
  let begin = Math.max(0, Math.min(...places, text.length) - 30);
  if (begin) begin = text.indexOf(" ", begin) + 1;
  return (begin ? "… " : "") + text.slice(begin, begin + 160);
}

function option(row, number, terms) {
  const [url, page, heading, text] = row;
  const link = document.createElement("a");
  Object.assign(link, { href: url, id: `hit-${number}`, tabIndex: -1 });
  link.setAttribute("role", "option");
  link.setAttribute("aria-selected", "false");
  const [title, where, part] = ["strong", "small", "span"].map((name) => document.createElement(name));
  title.append(marked(heading, terms));
  where.textContent = page === heading ? "" : ` ${page}`;
  part.append(marked(excerpt(text, terms), terms));
  link.append(title, where, part);
  return link;
}

function close() {
  hits.hidden = true;
  hits.replaceChildren();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

async function search() {
  const query = input.value.trim();
  const terms = words(query);
  if (!terms.length) {
    count.textContent = "";
    close();
    return;
  }
  const all = await load();
  if (query !== input.value.trim()) return; // somebody types faster than the index came
  const found = all
    .map((row, place) => [score(row, terms), place, row])
    .filter(([rate]) => rate)
    .sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  hits.replaceChildren(...found.slice(0, most).map(([, , row], number) => option(row, number, terms)));
  count.textContent = found.length ? `${found.length} sections found` : "Nothing found";
  if (!found.length) {
    const text = document.createElement("p");
    text.textContent = "Nothing has all of these words.";
    hits.append(text);
  }
  hits.hidden = false;
  input.setAttribute("aria-expanded", "true");
  input.removeAttribute("aria-activedescendant");
}

function move(step) {
  const options = [...hits.querySelectorAll("a")];
  if (!options.length) return;
  const now = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
  const next = options[(now + step + options.length + (now < 0 && step < 0 ? 1 : 0)) % options.length];
  for (const each of options) each.setAttribute("aria-selected", String(each === next));
  input.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

for (const [name, value] of Object.entries({
  role: "combobox", "aria-expanded": "false", "aria-controls": "hits", "aria-autocomplete": "list",
})) input.setAttribute(name, value);
input.addEventListener("focus", load);
input.addEventListener("input", search);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter") {
    const chosen = hits.querySelector('[aria-selected="true"]');
    if (chosen) {
      event.preventDefault();
      chosen.click();
    }
  } else if (event.key === "Escape") {
    if (hits.hidden) input.blur();
    close();
  }
});
hits.addEventListener("click", close);
hits.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
document.addEventListener("click", (event) => {
  if (!input.form.contains(event.target)) close();
});
input.form.addEventListener("focusout", (event) => {
  if (!input.form.contains(event.relatedTarget)) close();
});

// Keys: / goes to the search, Escape leaves the menu of a phone.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !event.target.closest("input, textarea, select, [contenteditable]")) {
    event.preventDefault();
    input.focus();
    input.select();
  } else if (event.key === "Escape" && location.hash === "#menu") {
    document.querySelector(".close").click();
    document.querySelector(".open").focus();
  }
});

// Copy.

for (const block of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
  button.setAttribute("aria-label", "Copy this code");
  button.addEventListener("click", async () => {
    const text = block.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch { // not over plain http from another machine: the old way still works there
      const area = document.createElement("textarea");
      area.value = text;
      block.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    button.classList.add("done");
    setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 1500);
  });
  block.append(button);
}

// The menu shows where one is, however long it is.

const menu = document.getElementById("menu");
const current = menu.querySelector('[aria-current="page"]');
if (current) menu.scrollTop = current.offsetTop - menu.clientHeight / 3;

// Where one is on the page: the heading that was passed last.

const here = new Map([...document.querySelectorAll(".here a")].map((link) => [link.hash.slice(1), link]));
const headings = [...here.keys()].map((id) => document.getElementById(id)).filter(Boolean);
if (headings.length) {
  let waiting = false;
  const show = () => {
    waiting = false;
    const passed = headings.filter((heading) => heading.getBoundingClientRect().top < 120);
    const bottom = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const now = bottom && scrollY ? headings.at(-1) : passed.at(-1);
    for (const [id, link] of here) {
      if (now && id === now.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(show);
    waiting = true;
  }, { passive: true });
  show();
}
