// Runs before the first paint, so that the page never flashes in the other colours.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be switched off: the system's preference counts then.
}
