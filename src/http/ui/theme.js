// Light or dark: the person's choice if one was made, else the system's. A classic script in the head, so that the
// first paint already has the right colours; a module would run after it.

(() => {
  const STORED = "haetae.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => localStorage.getItem(STORED) ?? (system.matches ? "dark" : "light");
  const apply = () => (document.documentElement.dataset.theme = theme());
  apply();
  system.addEventListener("change", apply);
  window.haetaeTheme = {
    current: theme,
    toggle() {
      localStorage.setItem(STORED, theme() === "dark" ? "light" : "dark");
      apply();
    },
  };
})();
