// "View as table": the numbers of a chart, one row a moment or category.
const ROWS_AT_MOST = 2000;
const written = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en", { maximumFractionDigits: 2 }));

document.addEventListener("chart:table", (event) => {
  const { holder, data } = event.detail;
  const places = new Map();
  data.forEach((trace, column) => (trace.x ?? []).forEach((x, place) => {
    if (!places.has(x)) places.set(x, []);
    places.get(x)[column] = trace.y?.[place];
  }));
  const table = document.createElement("table");
  table.className = "table plain";
  const head = table.createTHead().insertRow();
  ["", ...data.map((trace) => trace.name ?? "")].forEach((name, column) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.className = column ? "n" : "";
    cell.textContent = column ? name : "At";
    head.append(cell);
  });
  const body = table.createTBody();
  [...places].slice(0, ROWS_AT_MOST).forEach(([x, values]) => {
    const row = body.insertRow();
    row.insertCell().textContent = String(x).replace("T", " ").slice(0, 16);
    data.forEach((_, column) => {
      const cell = row.insertCell();
      cell.className = "n";
      cell.textContent = written(values[column]);
    });
  });
  holder.replaceChildren(table);
});
