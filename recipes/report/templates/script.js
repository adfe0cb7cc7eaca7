"use strict";
// Tables that can be sorted by their headers, and long ones that show fifty rows and a search field.
const MOST_ROWS = 50;

function keyOf(row, column) {
  const cell = row.cells[column];
  const number = cell.querySelector("data");
  if (number) return Number(number.value);
  return cell.querySelector(".none") ? NaN : cell.textContent.trim();
}

// Numbers before texts, both in their order; what is not known comes last in either direction.
function compare(first, second, sign) {
  const unknown = Number.isNaN(first) - Number.isNaN(second);
  if (unknown || Number.isNaN(first)) return unknown;
  if (typeof first === "number" && typeof second === "number") return sign * (first - second);
  return sign * String(first).localeCompare(String(second), undefined, { numeric: true });
}

function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    if (header.classList.contains("unsorted")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const isNumeric = header.classList.contains("num");
      const now = header.getAttribute("aria-sort");
      const next = now ? (now === "ascending" ? "descending" : "ascending") : isNumeric ? "descending" : "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
      rows.sort((first, second) => compare(first[0], second[0], sign));
      table.tBodies[0].append(...rows.map((pair) => pair[1]));
      table.dispatchEvent(new Event("change"));
    });
  });
}

function makeSearchable(table) {
  const total = table.tBodies[0].rows.length;
  const most = Number(table.dataset.most) || MOST_ROWS;
  if (total <= most) return;
  const tools = document.createElement("div");
  const field = document.createElement("input");
  const all = document.createElement("button");
  const state = document.createElement("span");
  tools.className = "tools";
  field.type = "search";
  field.placeholder = "Search";
  field.setAttribute("aria-label", "Search the rows of the table");
  all.type = "button";
  all.textContent = "Show all";
  state.className = "quiet";
  state.setAttribute("role", "status");
  tools.append(field, state, all);
  table.closest(".scroll").before(tools);
  let showsAll = false;
  const update = () => {
    const wanted = field.value.trim().toLowerCase();
    let found = 0;
    for (const row of table.tBodies[0].rows) {
      const fits = !wanted || row.textContent.toLowerCase().includes(wanted);
      found += fits;
      row.hidden = !fits || (!showsAll && found > most);
    }
    const shown = showsAll ? found : Math.min(found, most);
    state.textContent = `${shown.toLocaleString("en")} of ${total.toLocaleString("en")} rows`;
    all.hidden = showsAll || found <= most;
  };
  field.addEventListener("input", update);
  table.addEventListener("change", update);
  all.addEventListener("click", () => {
    showsAll = true;
    update();
  });
  update();
}

// On paper nothing can be opened: what is closed is open while the page is printed.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((details) => (details.open = true));
});
addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("table.long").forEach(makeSearchable);
