// Single keys and sequences; off in inputs, and for people who switched them off.
// Modules speak by events and never import each other: an import would load a second copy under its unhashed name.
const GO = { o: "", w: "workloads", p: "projects", n: "nodes" };
const SEQUENCE_MS = 1200;
let begun = 0;

const typing = (target) => target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]");
const inOverlay = () => document.querySelector("dialog[open], [popover]:popover-open");
const open = (id) => document.dispatchEvent(new CustomEvent("command:open", { detail: id }));
const command = (name) => document.dispatchEvent(new CustomEvent(`rows:${name}`));

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open("palette");
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = event.target.form ?? document.querySelector("form[data-main-form]");
    if (form) {
      event.preventDefault();
      form.requestSubmit();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || inOverlay()) return;
  if (event.key === "Escape") {
    command("clear");
    return;
  }
  if (document.documentElement.dataset.singleKeys === "off") return;
  if (handle(event)) event.preventDefault();
});

function handle(event) {
  if (begun && Date.now() - begun < SEQUENCE_MS && event.key in GO) {
    begun = 0;
    return go(GO[event.key]);
  }
  begun = event.key === "g" ? Date.now() : 0;
  const simple = {
    "/": () => focus(document.querySelector("[data-search]")),
    j: () => command("next"),
    k: () => command("previous"),
    x: () => command("select"),
    o: () => command("open"),
    ".": () => command("menu"),
    t: () => document.dispatchEvent(new CustomEvent("command:theme")),
    "?": () => open("keyboard"),
    c: () => click(document.querySelector('[data-key="c"]')),
  };
  if (event.key === "Enter" && document.querySelector("tr.cursor") && event.target === document.body) return command("open");
  if (simple[event.key]) return simple[event.key]();
  return "lyws".includes(event.key) ? click(document.querySelector(`[data-key="${event.key}"]`)) : false;
}

function go(segment) {
  const links = [...document.querySelectorAll(".rail a.rail-item")];
  return click(links.find((link) => link.pathname.split("/")[1] === segment));
}

function click(element) {
  element?.click();
  return Boolean(element);
}

function focus(element) {
  element?.focus();
  element?.select();
  return Boolean(element);
}

document.addEventListener("command:keys", () => open("keyboard"));
