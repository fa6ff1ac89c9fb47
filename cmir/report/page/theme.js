// The theme: of the system, or by choice, which the browser remembers where it may.

const THEME = "cmir-theme";

function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  document.dispatchEvent(new Event("theme"));
}

/** Call a function whenever the theme has changed. */
function onTheme(react) {
  document.addEventListener("theme", react);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", react);
}

/** Storage is refused in some frames, such as those of notebooks. */
function remembered(action) {
  try {
    return action(localStorage);
  } catch {
    return null;
  }
}

function offerThemes() {
  const choice = byId("theme");
  choice.value = remembered((storage) => storage.getItem(THEME)) ?? "";
  chooseTheme(choice.value);
  choice.addEventListener("change", () => {
    remembered((storage) => storage.setItem(THEME, choice.value));
    chooseTheme(choice.value);
  });
}
