// Forms with data-draft="<name>" keep what was typed on this device and offer it when the form is opened again.
const SECRET = /csrf|password|token/i;

document.querySelectorAll("form[data-draft]").forEach((form) => {
  const key = `draft:${form.dataset.draft}`;
  const kept = read(key);
  // After an error the server has sent everything back already.
  if (kept && !form.querySelector("[data-form-errors], [aria-invalid=true]")) offer(form, key, kept);
  form.addEventListener("input", () => save(form, key));
  form.addEventListener("change", () => save(form, key));
  form.addEventListener("submit", () => localStorage.removeItem(key));
});

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function save(form, key) {
  const values = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !SECRET.test(name));
  localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
}

function offer(form, key, kept) {
  const note = document.createElement("div");
  note.className = "note page";
  note.setAttribute("role", "status");
  const words = document.createElement("span");
  const at = new Date(kept.at).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });
  words.textContent = `What you typed here on ${at} is kept on this device.`;
  const acts = document.createElement("span");
  acts.className = "row";
  acts.append(
    button("Fill it in", () => {
      fill(form, kept.values);
      note.remove();
    }),
    button("Forget it", () => {
      localStorage.removeItem(key);
      note.remove();
    }),
  );
  note.append(document.createElement("span"), words, acts);
  form.before(note);
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn small";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function fill(form, values) {
  const byName = Map.groupBy ? Map.groupBy(values, ([name]) => name) : group(values);
  byName.forEach((pairs, name) => {
    const wanted = pairs.map(([, value]) => value);
    const ordered = form.querySelector(`[data-ordered="${CSS.escape(name)}"]`);
    if (ordered) return refill(ordered, wanted);
    form.querySelectorAll(`[name="${CSS.escape(name)}"]`).forEach((field, place) => {
      if (field.type === "radio" || field.type === "checkbox") field.checked = wanted.includes(field.value);
      else if (field.multiple) [...field.options].forEach((option) => (option.selected = wanted.includes(option.value)));
      else field.value = wanted[place] ?? wanted[0];
    });
  });
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

function group(values) {
  const groups = new Map();
  values.forEach((pair) => groups.set(pair[0], [...(groups.get(pair[0]) ?? []), pair]));
  return groups;
}

function refill(holder, wanted) {
  holder.querySelectorAll('[data-move="out"]').forEach((out) => out.click());
  const select = holder.querySelector("[data-ordered-add]");
  wanted.forEach((value) => {
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
