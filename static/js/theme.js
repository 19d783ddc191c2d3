// Switches between light and dark without a reload; the cookie set by the server keeps the choice.
const root = document.documentElement;

const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

async function switchTheme() {
  const form = document.querySelector("[data-theme-form]");
  const theme = isDark() ? "light" : "dark";
  root.dataset.theme = theme;
  if (!form) return;
  const body = new FormData(form);
  body.set("theme", theme);
  form.elements.theme.value = theme === "dark" ? "light" : "dark";
  const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok) document.dispatchEvent(new CustomEvent("toast", { detail: { text: "The theme could not be saved." } }));
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]")) return;
  event.preventDefault();
  switchTheme();
});
document.addEventListener("command:theme", switchTheme);
