// Plotly charts: figures come from an endpoint; theme, zoom, legend, table and refreshing are done here.
import { painted, swatchOf, template } from "./chart_looks.js"; // imported only, never loaded on its own

const LOAD_MS = 20000;
const SETTINGS = { displayModeBar: false, displaylogo: false, responsive: true };

class Chart {
  constructor(panel) {
    this.panel = panel;
    this.plot = panel.querySelector("[data-chart-plot]");
    this.rows = panel.querySelector("[data-chart-rows]");
    this.hiddenNames = new Set();
    panel.querySelector("[data-chart-table]").addEventListener("click", (event) => this.toggleTable(event.currentTarget));
    this.load();
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    try {
      const answer = await fetch(this.panel.dataset.chart, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LOAD_MS) });
      if (!answer.ok) throw new Error(`The numbers could not be read (${answer.status}).`);
      this.figure = await answer.json();
      this.draw();
    } catch (error) {
      if (!this.figure) this.say(error.name === "TimeoutError" ? "The numbers did not come within 20 s." : error.message);
    } finally {
      this.loading = false;
    }
  }

  say(words) {
    const message = document.createElement("p");
    message.className = "message";
    message.textContent = words;
    this.plot.replaceChildren(message);
  }

  async draw() {
    if (!this.figure) return;
    if (!window.Plotly) return this.say("Charts need the chart library, which did not load.");
    const { data = [], layout = {} } = this.figure;
    this.legend(data);
    this.table(data);
    if (!data.some((trace) => trace.y?.length || trace.z?.length)) return this.say(this.figure.empty ?? "No samples in this time range.");
    this.plot.querySelector(".message")?.remove();
    if (this.figure.label) this.plot.setAttribute("aria-label", this.figure.label);
    const traces = data.map(painted).map((trace) => ({ ...trace, visible: !this.hiddenNames.has(trace.name) }));
    await window.Plotly.react(this.plot, traces, template(layout), SETTINGS);
    if (!this.listening && this.panel.hasAttribute("data-zooms")) this.plot.on("plotly_relayout", zoomed);
    this.listening = true;
  }

  legend(data) {
    const holder = this.panel.querySelector("[data-chart-legend]");
    const many = data.length > 1;
    holder.replaceChildren(...data.map((trace) => {
      const item = document.createElement(many ? "button" : "span");
      const role = trace.meta?.role ?? "cat-1";
      const swatch = document.createElement("i");
      swatch.className = `swatch ${swatchOf(trace, role)} ${role.startsWith("cat-") ? role : `k-${role === "capacity" || role === "ready" ? "grey" : role}`}`;
      item.append(swatch, trace.meta?.legend ? `${trace.name} · ${trace.meta.legend}` : trace.name ?? "");
      if (many) {
        item.type = "button";
        item.setAttribute("aria-pressed", String(!this.hiddenNames.has(trace.name)));
        item.addEventListener("click", () => this.toggle(trace.name));
      }
      return item;
    }));
  }

  toggle(name) {
    if (!this.hiddenNames.delete(name)) this.hiddenNames.add(name);
    this.draw();
  }

  toggleTable(button) {
    this.rows.hidden = !this.rows.hidden;
    this.plot.hidden = !this.rows.hidden;
    button.setAttribute("aria-pressed", String(!this.rows.hidden));
    button.textContent = this.rows.hidden ? "View as table" : "View as chart";
    if (this.rows.hidden) this.draw();
  }

  table(data) {
    document.dispatchEvent(new CustomEvent("chart:table", { detail: { holder: this.rows, data } }));
  }
}

// Drawing a rectangle sets the page's time range; a double click takes it away.
function zoomed(change) {
  const query = new URLSearchParams(location.search);
  if (change["xaxis.autorange"]) ["from", "to"].forEach((name) => query.delete(name));
  else if (change["xaxis.range[0]"]) ["from", "to"].forEach((name, place) => query.set(name, String(change[`xaxis.range[${place}]`]).slice(0, 19).replace(" ", "T")));
  else return;
  query.delete("range");
  location.assign(`${location.pathname}?${query}`);
}

const charts = [...document.querySelectorAll("[data-chart]")].map((panel) => new Chart(panel));
const redraw = () => charts.forEach((chart) => chart.draw());
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
document.addEventListener("live:changed", (event) => {
  if (["samples", "reload"].includes(event.detail.topic)) charts.forEach((chart) => chart.load());
});
setInterval(() => {
  if (!document.hidden && sessionStorage.getItem("live-paused") !== "yes") charts.forEach((chart) => chart.load());
}, 60000);
