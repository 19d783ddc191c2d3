// Ctrl K: pages of the menu at once, things by name from the server.
const dialog = document.getElementById("palette");
const input = dialog?.querySelector("[data-palette-input]");
const list = document.getElementById("palette-list");
const nothing = dialog?.querySelector(".nothing");
const own = list ? [...list.children] : [];
const WAIT_MS = 150;
let timer;
let asked = 0;

const options = () => [...list.querySelectorAll('[role="option"]:not([hidden])')];
const current = () => list.querySelector('[aria-selected="true"]');

function choose(option) {
  current()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option?.id ?? "");
}

function narrow() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  own.forEach((option) => {
    option.hidden = !words.every((word) => option.textContent.toLowerCase().includes(word));
  });
  list.querySelectorAll("[data-found]").forEach((found) => found.remove());
  settle();
  clearTimeout(timer);
  if (words.length) timer = setTimeout(find, WAIT_MS);
}

function settle() {
  const left = options();
  nothing.hidden = left.length > 0;
  choose(left[0]);
}

async function find() {
  const number = (asked += 1);
  const answer = await fetch(`${input.dataset.searchUrl}?q=${encodeURIComponent(input.value)}`);
  if (number !== asked || !answer.ok) return;
  const { hits } = await answer.json();
  hits.forEach((hit, place) => {
    const option = document.createElement("li");
    option.role = "option";
    option.id = `palette-found-${place}`;
    option.dataset.found = "";
    option.dataset.href = hit.url;
    option.setAttribute("aria-selected", "false");
    const name = document.createElement("span");
    name.textContent = hit.name;
    const kind = document.createElement("span");
    kind.className = "hint";
    kind.textContent = hit.kind;
    option.append(name, kind);
    list.append(option);
  });
  settle();
}

function run(option) {
  if (!option) return;
  dialog.close();
  if (option.dataset.href) location.assign(option.dataset.href);
  else document.dispatchEvent(new CustomEvent(`command:${option.dataset.command}`));
}

dialog?.addEventListener("opened", () => {
  input.value = "";
  narrow();
  input.focus();
});
input?.addEventListener("input", narrow);
input?.addEventListener("keydown", (event) => {
  const left = options();
  const place = left.indexOf(current());
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in moves && left.length) {
    choose(left[(place + moves[event.key] + left.length) % left.length]);
    event.preventDefault();
  }
  if (event.key === "Enter") {
    run(current());
    event.preventDefault();
  }
});
list?.addEventListener("click", (event) => run(event.target.closest('[role="option"]')));
list?.addEventListener("mousemove", (event) => {
  const option = event.target.closest('[role="option"]');
  if (option && option !== current()) choose(option);
});
