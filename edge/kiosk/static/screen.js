// The device's own screen: nothing leads away from it, and nothing that a visitor chose is left for the next one.
const IDLE_MS = 60_000;
const LONGEST_MS = 300_000; // also where a face is always seen, as on a poster
let touched_ms = 0;

// Before theme and language are looked up: each load is a new start.
try {
  localStorage.clear();
} catch {
  // Storage may be switched off: then nothing was kept.
}

function look() {
  const idle_ms = performance.now() - touched_ms;
  if (touched_ms && idle_ms > (document.querySelector(".card") ? LONGEST_MS : IDLE_MS)) location.reload();
}

for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  addEventListener(kind, () => (touched_ms = performance.now()), { passive: true });
}
for (const kind of ["contextmenu", "dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("a");
    if (link && !link.classList.contains("brand")) event.preventDefault();
  },
  { capture: true },
);
setInterval(look, 1000);
