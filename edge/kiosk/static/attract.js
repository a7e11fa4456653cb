// With no one there: five large drawn faces in turn, over the whole screen, and a word of invitation.
import { draw, glyph } from "./glyph.js";
import { t } from "./i18n.js";

const EVERY_MS = 1600;
const REST_MS = 30_000;

/** Fills `screen`; `show(empty)` shows it while no one is there, but for a while after someone touched the screen. */
export function attract(screen, about) {
  const faces = about?.labels ?? [];
  screen.querySelector(".intro").textContent = about?.intro ?? "";
  const row = screen.querySelector(".five");
  const drawn = faces.map((label) => {
    const made = glyph();
    draw(made, label, true);
    row.append(made);
    return made;
  });
  let touchedMs = -Infinity;
  let turn = 0;
  const leave = () => {
    touchedMs = performance.now();
    screen.hidden = true;
  };
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, leave);

  setInterval(() => {
    if (screen.hidden) return;
    turn++;
    drawn.forEach((made, place) => {
      draw(made, faces[(place + turn) % faces.length], true);
      made.classList.toggle("now", place === turn % faces.length);
    });
  }, EVERY_MS);

  return {
    show(empty) {
      const wanted = empty && performance.now() - touchedMs > REST_MS;
      if (screen.hidden !== !wanted) screen.hidden = !wanted;
      if (!wanted) return;
      const words = screen.querySelector(".words");
      if (words.textContent !== t("attract")) words.textContent = t("attract");
    },
  };
}
