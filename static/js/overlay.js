// Dialogs, menus, copying: what floats, opens and closes.
const EDGE = 8;
const GAP = 4;

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    closeMenus();
    open(opener.dataset.opens);
    return;
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close(); // the scrim
  const copier = event.target.closest("[data-copies]");
  if (copier) copy(copier);
  const remote = event.target.closest("[data-fetch-dialog]");
  if (remote) fetchDialog(remote.dataset.fetchDialog);
});

document.addEventListener("command:open", (event) => open(event.detail));

function open(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) {
    dialog.showModal();
    dialog.dispatchEvent(new Event("opened"));
  }
}

function closeMenus() {
  document.querySelectorAll("[popover]:popover-open").forEach((menu) => menu.hidePopover());
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  document.dispatchEvent(new CustomEvent("toast", { detail: { text: "Copied" } }));
}

// A dialog that the server draws when it is asked for; it is put at the end of the body once.
async function fetchDialog(url) {
  closeMenus();
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (!answer.ok) {
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: `This could not be opened (${answer.status}).` } }));
    return;
  }
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const dialog = holder.content.querySelector("dialog");
  document.getElementById(dialog.id)?.remove();
  document.body.append(dialog);
  window.htmx?.process(dialog);
  open(dialog.id);
}

// Menus stand under their button, turned round at the edges of the window.
document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches(".menu[popover]")) return;
    const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    button?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open" && button) place(menu, button.getBoundingClientRect());
  },
  true,
);

function place(menu, anchor) {
  const { width, height } = menu.getBoundingClientRect();
  const right = anchor.left + width > innerWidth - EDGE;
  const left = right ? anchor.right - width : anchor.left;
  const below = anchor.bottom + GAP;
  const fits = below + height <= innerHeight - EDGE && !menu.hasAttribute("data-above");
  const top = fits ? below : Math.max(EDGE, anchor.top - GAP - height);
  menu.style.left = `${Math.min(Math.max(EDGE, left), Math.max(EDGE, innerWidth - width - EDGE))}px`;
  menu.style.top = `${top}px`;
  menu.querySelector(".item, input, select")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (!menu || (event.key !== "ArrowDown" && event.key !== "ArrowUp") || event.target.matches("input[type=text], textarea, select")) return;
  const items = [...menu.querySelectorAll(".item, .btn")].map((item) => item.querySelector("input") ?? item);
  const place = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  items[(place + items.length) % items.length]?.focus();
  event.preventDefault();
});

addEventListener("scroll", closeFloating, { passive: true });
addEventListener("resize", closeFloating);
function closeFloating() {
  document.querySelectorAll(".menu[popover]:popover-open").forEach((menu) => {
    if (!menu.contains(document.activeElement) || innerWidth > 720) menu.hidePopover();
  });
}

// On narrow screens the rail opens over the page.
const rail = document.getElementById("rail");
const narrow = matchMedia("(max-width: 720px)");
function fitRail() {
  if (narrow.matches) rail?.setAttribute("popover", "auto");
  else rail?.removeAttribute("popover");
}
narrow.addEventListener("change", fitRail);
fitRail();
document.querySelectorAll("dialog[data-open]").forEach((dialog) => dialog.showModal());
