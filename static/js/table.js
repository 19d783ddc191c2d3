// Lists: selection with its bar, the row cursor of the keys, how many rows changed, head that stays in sight.
const selected = new Map(); // list key -> set of row ids, kept while rows are swapped

const lists = () => document.querySelectorAll("table[data-list]");
const checks = (list) => [...list.querySelectorAll("tbody .row-check")];
const panelOf = (list) => list.closest(".table-panel");

function remember(list) {
  const ids = new Set(checks(list).filter((check) => check.checked).map((check) => check.value));
  selected.set(list.dataset.list, ids);
  drawBar(list, ids);
}

function drawBar(list, ids) {
  const bar = panelOf(list)?.querySelector("[data-bulk-bar]");
  const all = list.querySelector("[data-select-all]");
  if (bar) {
    bar.hidden = ids.size === 0;
    bar.querySelector("[data-selected-count]").textContent = ids.size;
  }
  if (all) {
    all.checked = ids.size > 0 && ids.size === checks(list).length;
    all.indeterminate = ids.size > 0 && !all.checked;
  }
  list.querySelectorAll("tbody tr").forEach((row) => {
    if (ids.has(row.dataset.row)) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  });
}

function clear() {
  lists().forEach((list) => {
    checks(list).forEach((check) => (check.checked = false));
    remember(list);
  });
}

document.addEventListener("change", (event) => {
  const list = event.target.closest("table[data-list]");
  if (!list) return;
  if (event.target.matches("[data-select-all]")) checks(list).forEach((check) => (check.checked = event.target.checked));
  if (event.target.matches(".row-check, [data-select-all]")) remember(list);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-clear-selection]")) clear();
});
document.addEventListener("rows:clear", clear);

// A bulk form takes the ids that are selected when it is sent.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("#bulk, [data-bulk]")) return;
  selected.forEach((ids) => ids.forEach((id) => event.formData.append("ids", id)));
});

// --- the row cursor -------------------------------------------------------------------------------------------------
function move(step) {
  const rows = [...document.querySelectorAll("table[data-list] tbody tr[data-row]")];
  const place = rows.findIndex((row) => row.classList.contains("cursor"));
  const next = rows[Math.min(Math.max(place + step, 0), rows.length - 1)];
  rows[place]?.classList.remove("cursor");
  next?.classList.add("cursor");
  next?.scrollIntoView({ block: "nearest" });
}
const cursor = () => document.querySelector("tr.cursor");
document.addEventListener("rows:next", () => move(1));
document.addEventListener("rows:previous", () => move(-1));
document.addEventListener("rows:select", () => cursor()?.querySelector(".row-check")?.click());
document.addEventListener("rows:open", () => cursor()?.querySelector("a.name")?.click());
document.addEventListener("rows:menu", () => cursor()?.querySelector("[popovertarget]")?.click());

// --- live rows ------------------------------------------------------------------------------------------------------
const changedRows = new Set();
const words = (row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent.replace(/\s+/g, " ").trim());

document.addEventListener("htmx:beforeSwap", (event) => {
  const row = event.detail.target;
  if (!row.matches?.("tr[data-row]")) return;
  row.ownerDocument.lastRow = { id: row.id, words: words(row), cursor: row.classList.contains("cursor") };
});
document.addEventListener("htmx:afterSwap", (event) => {
  const before = document.lastRow;
  const row = before && document.getElementById(before.id);
  if (row) {
    row.classList.toggle("cursor", before.cursor);
    const after = words(row);
    const cells = [...row.querySelectorAll("td")].filter((_, place) => after[place] !== before.words[place]);
    cells.forEach((cell) => cell.classList.add("changed"));
    if (cells.length) tell(row);
  }
  document.lastRow = undefined;
  restore();
  if (event.detail.target.matches?.(".list-page")) changedRows.clear();
});

// A row that came with its whole list: only what changed is put in, so that nothing flashes.
document.addEventListener("rows:replace", (event) => {
  const { row, fresh } = event.detail;
  const before = words(row);
  const after = words(fresh);
  if (before.every((text, place) => text === after[place]) && row.innerHTML.length === fresh.innerHTML.length) return;
  if (row.contains(document.activeElement)) return; // someone is doing something there
  fresh.classList.toggle("cursor", row.classList.contains("cursor"));
  row.replaceWith(fresh);
  window.htmx?.process(fresh);
  const cells = [...fresh.querySelectorAll("td")].filter((_, place) => after[place] !== before[place]);
  cells.forEach((cell) => cell.classList.add("changed"));
  if (cells.length) tell(fresh);
  restore();
});

function tell(row) {
  changedRows.add(row.id);
  const panel = row.closest(".table-panel");
  panel?.querySelectorAll("[data-changed-rows], [data-resort]").forEach((part) => (part.hidden = false));
  const count = panel?.querySelector("[data-changed-count]");
  if (count) count.textContent = changedRows.size;
}

function restore() {
  lists().forEach((list) => {
    const ids = selected.get(list.dataset.list) ?? new Set();
    checks(list).forEach((check) => (check.checked = ids.has(check.value)));
    remember(list);
    measure(list);
  });
}

// --- a head that stays in sight where the table does not scroll sideways -----------------------------------------------
function measure(list) {
  const wrap = list.closest("[data-wrap]");
  wrap.classList.remove("fits");
  const fits = wrap.scrollWidth <= wrap.clientWidth + 1;
  wrap.classList.toggle("fits", fits);
  list.classList.toggle("in-page", fits);
  if (fits) wrap.removeAttribute("tabindex");
  else wrap.tabIndex = 0;
}
addEventListener("resize", () => lists().forEach(measure));
document.fonts.ready.then(restore);
