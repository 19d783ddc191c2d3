// Short messages at the foot of the page: successes, and failures that belong to no row or field.
const STAY_MS = 6000;
const holder = document.querySelector("[data-toasts]");

function show(text) {
  if (!holder || !text) return;
  const toast = document.createElement("div");
  toast.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn small";
  close.dataset.dismiss = "";
  close.textContent = "Dismiss";
  toast.append(words, close);
  holder.append(toast);
  expire(toast);
}

// A toast stays while the pointer or the focus is on it.
function expire(toast) {
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : toast.remove());
  setTimeout(leave, STAY_MS);
}

holder?.querySelectorAll(".toast").forEach(expire);
document.addEventListener("toast", (event) => show(event.detail.text));
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast, .note")?.remove());
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.requestConfig.triggeringEvent?.type === "live") return; // the live marker tells
  show(`This failed (${event.detail.xhr.status}). Nothing was changed.`);
});
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig.triggeringEvent?.type === "live") return;
  show("The portal does not answer. Nothing was changed.");
});
