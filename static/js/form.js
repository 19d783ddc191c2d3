// Forms: focus on the errors, ordered lists, rows of formsets, one submit at a time.
document.querySelector("[data-form-errors]")?.focus();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.dataset.sent || event.defaultPrevented) return;
  form.dataset.sent = "yes"; // a second click must not send it twice
  setTimeout(() => delete form.dataset.sent, 4000);
  form.addEventListener("submit", stop, { once: true, capture: true });
  setTimeout(() => form.removeEventListener("submit", stop, { capture: true }), 4000);
});
const stop = (event) => {
  event.preventDefault();
  event.stopPropagation();
};

// --- ordered lists --------------------------------------------------------------------------------------------------
const changed = (element) => element.dispatchEvent(new Event("change", { bubbles: true }));

document.querySelectorAll("[data-ordered]").forEach((holder) => holder.querySelector("[data-ordered-add]")?.removeAttribute("name"));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  const holder = button?.closest("[data-ordered]");
  if (!holder) return;
  const entry = button.closest("li");
  if (button.dataset.move === "up") entry.previousElementSibling?.before(entry);
  if (button.dataset.move === "down") entry.nextElementSibling?.after(entry);
  if (button.dataset.move === "out") takeOut(holder, entry);
  number(holder);
  button.focus();
  changed(holder.querySelector("[data-ordered-add]"));
});

document.addEventListener("change", (event) => {
  const select = event.target.closest("[data-ordered-add]");
  if (!select?.value) return;
  const holder = select.closest("[data-ordered]");
  const option = select.selectedOptions[0];
  const entry = holder.querySelector("[data-ordered-entry]").content.firstElementChild.cloneNode(true);
  entry.querySelector("[data-label]").textContent = option.textContent;
  entry.querySelector("input").value = option.value;
  holder.querySelector("ol").append(entry);
  option.remove();
  select.value = "";
  number(holder);
});

function takeOut(holder, entry) {
  const value = entry.querySelector("input").value;
  holder.querySelector("[data-ordered-add]").append(new Option(entry.querySelector("[data-label]").textContent, value));
  entry.remove();
}

function number(holder) {
  const entries = [...holder.querySelectorAll("li")];
  entries.forEach((entry, place) => {
    entry.querySelector(".place").textContent = place + 1;
    entry.querySelector('[data-move="up"]').disabled = place === 0;
    entry.querySelector('[data-move="down"]').disabled = place === entries.length - 1;
  });
}

let dragged;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-ordered] li");
  dragged?.classList.add("dragging");
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-ordered] li");
  if (!dragged || !over || over === dragged || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(dragged);
  else over.after(dragged);
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragging");
  const holder = dragged.closest("[data-ordered]");
  dragged = undefined;
  number(holder);
  changed(holder.querySelector("[data-ordered-add]"));
});

// --- rows of a formset: a button with data-add-row="<prefix>", a <template id="<prefix>-empty">, a list id="<prefix>-rows" ------
document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]");
  if (add) {
    const prefix = add.dataset.addRow;
    const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
    const holder = document.createElement("template");
    holder.innerHTML = document.getElementById(`${prefix}-empty`).innerHTML.replaceAll("__prefix__", total.value);
    total.value = Number(total.value) + 1;
    const row = document.getElementById(`${prefix}-rows`).appendChild(holder.content.firstElementChild);
    row.querySelector("input, select, textarea")?.focus();
  }
  const remove = event.target.closest("[data-remove-row]");
  if (remove) {
    const row = remove.closest(".formset-row");
    const mark = row.querySelector('input[name$="-DELETE"]');
    if (mark) mark.checked = mark.value = true;
    row.hidden = true;
    changed(row);
  }
});

document.querySelectorAll("[data-ordered]").forEach(number);
