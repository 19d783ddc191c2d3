// Fetches again what the event stream names; polls when there is no stream. Rows keep their place and nothing flashes.
const marker = document.querySelector("[data-live-marker]");
const text = document.querySelector("[data-live-text]");
const pauseButton = document.getElementById("live-pause");
const POLL_MS = 5000;
const TOPIC_MS = 2000;
const STALE_MS = 20000;
const waiting = new Map();
const asking = new Set();
let source;
let heard = Date.now();
let paused = sessionStorage.getItem("live-paused") === "yes";
let failed = false;

const targets = () => document.querySelectorAll("[data-live]:not(tr[data-row]), [data-live-topic], [hx-trigger~='live']:not(tr[data-row])");
const liveLists = () => [...document.querySelectorAll("table[data-list]")].filter((list) => list.querySelector("tr[data-live]"));
const busy = () => document.hidden || paused;
const refresh = (element) => window.htmx?.trigger(element, "live");

// A topic refreshes at once, then at most every TOPIC_MS.
function refreshSoon(element) {
  if (waiting.has(element)) {
    waiting.set(element, true);
    return;
  }
  refresh(element);
  waiting.set(element, false);
  setTimeout(() => {
    const again = waiting.get(element);
    waiting.delete(element);
    if (again && element.isConnected && !busy()) refreshSoon(element);
  }, TOPIC_MS);
}

function changed({ topic, ids }) {
  heard = Date.now();
  if (busy()) return;
  if (topic === "reload") return everything();
  ids.forEach((id) => document.querySelectorAll(`[data-live="${CSS.escape(topic)}:${CSS.escape(id)}"]`).forEach(refreshSoon));
  document.querySelectorAll(`[data-live-topic~="${CSS.escape(topic)}"]`).forEach(refreshSoon);
  document.dispatchEvent(new CustomEvent("live:changed", { detail: { topic, ids } }));
}

function everything() {
  liveLists().forEach(refreshList);
  targets().forEach(refreshSoon);
  document.dispatchEvent(new CustomEvent("live:changed", { detail: { topic: "reload", ids: [] } }));
}

// All rows of a list in one request, for when there is no stream; rows that are not in the answer are asked for alone.
async function refreshList(list) {
  if (asking.has(list)) return;
  asking.add(list);
  try {
    const headers = { "HX-Request": "true", "HX-Target": `${list.dataset.list}-list` };
    const answer = await fetch(location.href, { headers });
    if (!answer.ok) return;
    heard = Date.now();
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    list.querySelectorAll("tr[data-row]").forEach((row) => {
      const fresh = holder.content.getElementById(row.id);
      if (fresh) document.dispatchEvent(new CustomEvent("rows:replace", { detail: { row, fresh } }));
      else refreshSoon(row);
    });
  } catch {
    // the marker tells how old the page is
  } finally {
    asking.delete(list);
  }
}

function connect() {
  if (!marker || !window.EventSource) return;
  source = new EventSource(marker.dataset.stream);
  source.onopen = () => {
    failed = false;
    heard = Date.now();
  };
  source.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
  source.onerror = () => {
    failed = true;
    if (source.readyState === EventSource.CLOSED) source = undefined; // refused: too many pages, or signed out
  };
}

function describe() {
  if (!marker) return;
  const streaming = source?.readyState === EventSource.OPEN;
  const age = Math.round((Date.now() - heard) / 1000);
  const state = paused ? "paused" : streaming ? "on" : age * 1000 > STALE_MS ? "stale" : "polling";
  const at = new Date(heard).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  const words = { paused: `Paused ${at}`, on: age < 60 ? `Live · ${age} s ago` : `Live · ${Math.floor(age / 60)} min ago`, polling: `Every ${POLL_MS / 1000} s`, stale: `Last update ${at}` };
  marker.dataset.state = state;
  text.textContent = words[state];
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.requestConfig.triggeringEvent?.type === "live" && event.detail.successful) heard = Date.now();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const row = event.detail.target;
  if (event.detail.requestConfig.triggeringEvent?.type !== "live") return;
  // A swap must not take away what a person is doing there.
  if (row.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select")) event.detail.shouldSwap = false;
});

pauseButton?.addEventListener("click", () => {
  paused = !paused;
  sessionStorage.setItem("live-paused", paused ? "yes" : "no");
  pauseButton.setAttribute("aria-pressed", String(paused));
  pauseButton.ariaLabel = pauseButton.title = paused ? "Resume live updates" : "Pause live updates";
  if (!paused) everything();
  describe();
});
document.addEventListener("visibilitychange", () => {
  if (!busy()) everything();
});
addEventListener("pagehide", () => source?.close());

if (marker) {
  pauseButton?.setAttribute("aria-pressed", String(paused));
  connect();
  setInterval(describe, 1000);
  setInterval(() => {
    if (busy() || source?.readyState === EventSource.OPEN) return;
    if (!source && !failed) connect();
    everything();
    if (targets().length + liveLists().length === 0) heard = Date.now();
  }, POLL_MS);
  setInterval(() => {
    if (!source) connect();
  }, 60000);
}
