// Asks FormHandler for what the filters say, and shows it. All URLs are relative: the app runs at / and below a path.
import { draw } from "./chart.js";

const SIZE = 12; // rows of a page
const COLUMNS = [
  { name: "month", title: "Month" },
  { name: "region", title: "Region" },
  { name: "product", title: "Product" },
  { name: "units", title: "Units", number: true },
  { name: "revenue", title: "Revenue", number: true },
];
const find = (id) => document.getElementById(id);
const form = find("filters");
const whole = new Intl.NumberFormat("en");
const money = new Intl.NumberFormat("en", { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
const brief = new Intl.NumberFormat("en", { notation: "compact" });
const monthName = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });
const monthShort = new Intl.DateTimeFormat("en", { month: "short", timeZone: "UTC" });

// What people chose is in the URL: it survives a reload, and can be sent to others.
const state = new URLSearchParams(location.search);
let regions = [];
let months = [];
let turn = 0; // of questions: an answer that comes after a later question is not shown

async function ask(parameters) {
  const query = new URLSearchParams(parameters);
  for (const name of ["region", "product"]) if (state.get(name)) query.append(name, state.get(name));
  const answer = await fetch(`sales?${query}`);
  if (!answer.ok) throw new Error(answer.status === 501 ? "The server needs: pip install 'gramex-runtime[data]'" : `The server answers ${answer.status}`);
  return { rows: await answer.json(), count: Number(answer.headers.get("Fh-Data-Count")) };
}

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function showNumbers(years) {
  const [now, before] = [years.at(-1), years.at(-2)];
  const cards = [["Revenue", "revenue|sum", money], ["Units", "units|sum", whole]].map(([title, name, format]) => {
    const card = make("div", undefined, { class: "card number" });
    card.append(make("h2", now ? `${title} ${now.year}` : title), make("strong", format.format(now?.[name] ?? 0)));
    if (before?.[name]) {
      const change = now[name] / before[name] - 1;
      const sign = change < 0 ? "down" : "up";
      card.append(make("span", `${change < 0 ? "▼" : "▲"} ${Math.abs(change * 100).toFixed(1)} % on ${before.year}`, { class: sign }));
    }
    return card;
  });
  find("numbers").replaceChildren(...cards);
}

function showChart() {
  draw(find("chart"), {
    columns: months, series: regions, title: "Revenue by month and region",
    format: (value) => money.format(value), brief: (value) => brief.format(value),
  });
  const shown = regions.filter((name) => months.some(({ values }) => name in values));
  find("legend").replaceChildren(...shown.map((name) => {
    const item = make("li");
    item.append(make("i", undefined, { class: `s${regions.indexOf(name)}` }), name);
    return item;
  }));
}

function gather(rows) {
  const found = new Map();
  for (const row of rows) {
    const date = new Date(`${row.month}-01T00:00:00Z`);
    const short = date.getUTCMonth() ? monthShort.format(date) : String(date.getUTCFullYear());
    if (!found.has(row.month)) found.set(row.month, { label: monthName.format(date), short, values: {} });
    found.get(row.month).values[row.region] = row["revenue|sum"];
  }
  return [...found.values()];
}

function showTable(rows, count) {
  const sort = state.get("sort") ?? "-month";
  find("columns").replaceChildren(...COLUMNS.map(({ name, title, number }) => {
    const cell = make("th", undefined, { scope: "col", class: number ? "number" : "" });
    const down = sort === `-${name}`;
    const on = down || sort === name;
    if (on) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const button = make("button", title, { type: "button" });
    button.append(make("span", on ? (down ? " ▼" : " ▲") : "", { "aria-hidden": "true" }));
    button.addEventListener("click", () => choose({ sort: on && !down ? `-${name}` : down || !number ? name : `-${name}`, page: "" }, name));
    cell.append(button);
    return cell;
  }));
  find("rows").replaceChildren(...rows.map((row) => {
    const line = make("tr");
    for (const { name, number, title } of COLUMNS) {
      const text = number ? whole.format(Math.round(row[name])) : row[name];
      line.append(make("td", text, { "data-title": title, class: number ? "number" : "" }));
    }
    return line;
  }));
  const page = Number(state.get("page") || 1);
  const first = (page - 1) * SIZE;
  find("place").textContent = count ? `${first + 1} to ${Math.min(first + SIZE, count)} of ${whole.format(count)}` : "No rows";
  find("previous").disabled = page <= 1;
  find("next").disabled = first + SIZE >= count;
}

/** Change what was chosen; a name that gets nothing is dropped. `focus` is the column whose button had the focus. */
async function choose(changes, focus) {
  for (const [name, value] of Object.entries(changes)) value ? state.set(name, value) : state.delete(name);
  history.replaceState(null, "", state.size ? `?${state}` : location.pathname);
  await show();
  if (focus) find("columns").children[COLUMNS.findIndex(({ name }) => name === focus)].firstChild.focus();
}

async function show() {
  const mine = ++turn;
  const page = Math.max(1, Number(state.get("page")) || 1);
  const filters = new URLSearchParams(["region", "product"].filter((name) => state.get(name)).map((name) => [name, state.get(name)]));
  try {
    const [years, sums, table] = await Promise.all([
      ask([["_by", "year"], ["_c", "revenue|sum"], ["_c", "units|sum"]]),
      ask([["_by", "month"], ["_by", "region"], ["_c", "revenue|sum"]]),
      ask([["_sort", state.get("sort") ?? "-month"], ["_limit", SIZE], ["_offset", (page - 1) * SIZE], ["_meta", "y"]]),
    ]);
    if (mine !== turn) return;
    months = gather(sums.rows);
    showNumbers(years.rows);
    showChart();
    showTable(table.rows, table.count);
    filters.append("_format", "csv");
    find("download").href = `sales?${filters}`;
    find("problem").hidden = true;
  } catch (error) {
    find("problem").textContent = error.message;
    find("problem").hidden = false;
  } finally {
    document.body.dataset.ready = "true";
  }
}

async function start() {
  for (const name of ["region", "product"]) {
    try {
      const rows = await (await fetch(`sales?_by=${name}`)).json();
      const values = rows.map((row) => row[name]);
      form.elements[name].append(...values.map((value) => make("option", value)));
      form.elements[name].value = values.includes(state.get(name)) ? state.get(name) : "";
      if (name === "region") regions = values;
    } catch { /* show() says what is wrong */ }
  }
  await show();
}

form.addEventListener("change", ({ target }) => choose({ [target.name]: target.value, page: "" }));
form.addEventListener("reset", () => choose({ region: "", product: "", page: "", sort: "" }));
find("previous").addEventListener("click", () => choose({ page: String(Number(state.get("page") || 1) - 1) }));
find("next").addEventListener("click", () => choose({ page: String(Number(state.get("page") || 1) + 1) }));
new ResizeObserver(() => { if (months.length) showChart(); }).observe(find("chart"));
start();
