// Log views: following, searching, wrapping. Lines come from the server as HTML and are put at the end.
const FOLLOW_MS = 2000;
const LOAD_MS = 15000;

class Log {
  constructor(view) {
    this.view = view;
    this.lines = view.querySelector("[data-log-lines]");
    this.state = view.querySelector("[data-log-state]");
    this.search = view.querySelector("[data-log-search]");
    this.found = view.querySelector("[data-log-found]");
    view.addEventListener("click", (event) => this.toggle(event.target.closest("[data-log-toggle]")));
    this.search.addEventListener("input", () => this.mark());
    this.lines.addEventListener("scroll", () => this.noticeScroll());
    this.load();
    setInterval(() => this.follows() && !document.hidden && this.load(), FOLLOW_MS);
  }

  follows() {
    return this.view.dataset.follow === "on";
  }

  async load() {
    if (this.loading) return; // a slow cluster must not pile up requests
    this.loading = true;
    try {
      const answer = await fetch(this.view.dataset.log, { headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(LOAD_MS) });
      const html = await answer.text();
      if (!answer.ok) throw new Error(`The log could not be read (${answer.status}).`);
      this.failed = false;
      if (html !== this.html) this.put(html);
      const counted = `${this.lines.querySelectorAll(".line").length} lines${this.follows() ? ", following" : ""}`;
      this.state.textContent = [answer.headers.get("X-Log-State"), counted].filter(Boolean).join(" · ");
    } catch (error) {
      this.state.textContent = `${error.name === "TimeoutError" ? "The log did not come within 15 s." : error.message} What was read stays.`;
    } finally {
      this.loading = false;
    }
  }

  put(html) {
    this.html = html;
    const place = this.lines.scrollTop;
    this.lines.innerHTML = html; // drawn and escaped by the server's template
    this.mark();
    this.putting = true;
    this.lines.scrollTop = this.follows() ? this.lines.scrollHeight : place;
    requestAnimationFrame(() => (this.putting = false));
  }

  // Scrolling up by hand stops following; reaching the end starts it again.
  noticeScroll() {
    if (this.putting) return;
    const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 24;
    if (!atEnd && this.follows()) this.set("follow", false);
  }

  toggle(button) {
    if (!button) return;
    const name = button.dataset.logToggle;
    this.set(name, button.getAttribute("aria-pressed") !== "true");
    if (name === "follow" && this.follows()) {
      this.lines.scrollTop = this.lines.scrollHeight;
      this.load();
    }
  }

  set(name, on) {
    this.view.dataset[name] = on ? "on" : "off";
    this.view.querySelector(`[data-log-toggle="${name}"]`).setAttribute("aria-pressed", String(on));
  }

  mark() {
    const words = this.search.value.toLowerCase();
    this.lines.querySelectorAll("mark").forEach((mark) => mark.replaceWith(mark.textContent));
    this.lines.normalize();
    if (!words) {
      this.found.textContent = "";
      return;
    }
    const hits = [...this.lines.querySelectorAll(".line")].filter((line) => markIn(line, words));
    this.found.textContent = `${hits.length} lines`;
    hits.at(-1)?.scrollIntoView({ block: "nearest" });
  }
}

function markIn(line, words) {
  const text = line.lastChild;
  const at = text?.nodeType === Node.TEXT_NODE ? text.data.toLowerCase().indexOf(words) : -1;
  if (at < 0) return false;
  const hit = text.splitText(at);
  hit.splitText(words.length);
  const mark = document.createElement("mark");
  hit.replaceWith(mark);
  mark.append(hit);
  return true;
}

document.querySelectorAll("[data-log]").forEach((view) => new Log(view));
