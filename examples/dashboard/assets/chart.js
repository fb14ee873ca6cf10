// Draws stacked columns as SVG. Each column can be reached by the keyboard, and says its numbers.

const SVG = "http://www.w3.org/2000/svg";
const SPACE = { top: 8, right: 4, bottom: 26, left: 52 };

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Return round numbers from 0 to at least `most`, about `count` of them. */
export function ticks(most, count) {
  const rough = (most || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough);
  return Array.from({ length: Math.ceil((most || 1) / step) + 1 }, (_, index) => index * step);
}

/**
 * Draw into `target`, which is emptied first.
 * columns: [{label, short, values: {name: number}}], series: names from the bottom up,
 * format: number to text for people, brief: the same for the axis. Return nothing.
 */
export function draw(target, { columns, series, format, brief, title }) {
  const width = Math.max(240, target.clientWidth);
  const height = Math.round(Math.min(340, Math.max(220, width * 0.42)));
  const inner = { width: width - SPACE.left - SPACE.right, height: height - SPACE.top - SPACE.bottom };
  const total = (column) => series.reduce((sum, name) => sum + (column.values[name] ?? 0), 0);
  const steps = ticks(Math.max(0, ...columns.map(total)), height > 260 ? 5 : 4);
  const y = (value) => SPACE.top + inner.height * (1 - value / steps.at(-1));
  const band = inner.width / Math.max(1, columns.length);
  const bar = Math.min(48, band * 0.72);
  const every = Math.ceil(44 / band);

  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": title });
  for (const step of steps) {
    svg.append(
      element("line", { class: "grid", x1: SPACE.left, x2: width - SPACE.right, y1: y(step), y2: y(step) }),
      element("text", { class: "axis", x: SPACE.left - 8, y: y(step) + 4, "text-anchor": "end" }, brief(step)),
    );
  }
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;

  const show = (column, middle, top) => {
    const lines = series.filter((name) => name in column.values).map((name) => {
      const line = document.createElement("span");
      const mark = document.createElement("i");
      mark.className = `s${series.indexOf(name)}`;
      line.append(mark, `${name} `, Object.assign(document.createElement("b"), { textContent: format(column.values[name]) }));
      return line;
    });
    const head = Object.assign(document.createElement("strong"), { textContent: `${column.label}: ${format(total(column))}` });
    tip.replaceChildren(head, ...lines);
    tip.hidden = false;
    const half = tip.offsetWidth / 2;
    const left = Math.min(width - half, Math.max(half, middle));
    tip.style.setProperty("left", `${left}px`);
    tip.style.setProperty("top", `${Math.max(0, top - tip.offsetHeight - 8)}px`);
  };

  const groups = columns.map((column, index) => {
    const middle = SPACE.left + band * (index + 0.5);
    const said = series.filter((name) => name in column.values).map((name) => `${name} ${format(column.values[name])}`);
    const group = element("g", {
      class: "column", tabindex: index ? -1 : 0, role: "img",
      "aria-label": `${column.label}: ${format(total(column))}${said.length > 1 ? `; ${said.join(", ")}` : ""}`,
    });
    group.append(element("rect", { class: "hit", x: middle - band / 2, y: SPACE.top, width: band, height: inner.height }));
    let below = 0;
    for (const name of series) {
      const value = column.values[name] ?? 0;
      if (value <= 0) continue;
      const [top, bottom] = [y(below + value), y(below)];
      group.append(element("rect", { class: `s${series.indexOf(name)}`, x: middle - bar / 2, y: top, width: bar, height: Math.max(0.5, bottom - top - 1) }));
      below += value;
    }
    if (index % every === 0) {
      group.append(element("text", { class: "axis", x: middle, y: height - 8, "text-anchor": "middle" }, column.short));
    }
    const over = () => show(column, middle, y(below));
    const away = () => { tip.hidden = true; };
    group.addEventListener("pointerenter", over);
    group.addEventListener("pointerleave", away);
    group.addEventListener("focus", over);
    group.addEventListener("blur", away);
    return group;
  });
  svg.append(...groups);

  // One stop for the Tab key; arrows, Home and End go from column to column.
  svg.addEventListener("keydown", (event) => {
    const now = groups.indexOf(event.target);
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: groups.length - 1 }[event.key];
    if (now < 0 || next === undefined || !groups[next]) return;
    event.preventDefault();
    groups[now].setAttribute("tabindex", -1);
    groups[next].setAttribute("tabindex", 0);
    groups[next].focus();
  });
  target.replaceChildren(svg, tip);
}
