// The form of a training: the amounts of the chosen card stand as placeholders in the fields that override them.
const form = document.getElementById("submission");
const FIELDS = ["gpus", "cores", "memory"];

function show() {
  const card = form.querySelector('input[name="size"]:checked')?.closest("label");
  const facts = (card?.querySelector(".facts")?.textContent ?? "").split(" · ").map((fact) => fact.split(" ")[0]);
  FIELDS.forEach((name, place) => {
    form.elements[name].placeholder = facts.length === FIELDS.length ? facts[place] : "";
  });
}

form.addEventListener("change", (event) => {
  if (event.target.name !== "size") return;
  FIELDS.forEach((name) => (form.elements[name].value = "")); // a card is chosen as it stands
  show();
});
show();
