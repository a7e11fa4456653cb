// A game: show five expressions, one after the other. A ring closes as the wanted bar grows.
import { element, shadeOf, wordFor } from "./faces.js";
import { draw, glyph } from "./glyph.js";
import { number, t } from "./i18n.js";

const ENOUGH = 0.6; // probability that closes the ring
const TICK_MS = 900;
const PATIENCE_MS = 12_000; // then the next one comes, without a tick
const RESULT_MS = 12_000;
const ALONE_MS = 8_000; // without anyone, the game ends
const PIECES = 70;

/** The game in `stage`, begun by `button`; `take(faces)` plays it. */
export function game(stage, button, labels) {
  let wanted = [];
  let done = [];
  let since = 0;
  let seen = 0;
  let phase = "off"; // "off", "asking", "ticked", "result"

  const ask = element("p", "ask");
  const ring = element("div", "ring");
  const drawn = glyph();
  const closing = circle();
  const marks = element("ol", "marks");
  const over = element("div", "result");
  const stop = element("button", "button stop");
  stop.type = "button";
  ring.append(drawn, closing);
  stage.append(ask, ring, marks, over, stop);
  stop.addEventListener("click", end);
  button.addEventListener("click", begin);

  function begin() {
    wanted = shuffled(labels);
    done = [];
    stage.hidden = false;
    over.replaceChildren();
    seen = performance.now();
    next();
    stop.focus({ preventScroll: true });
  }

  function next() {
    phase = "asking";
    since = performance.now();
    fill(0);
    show();
  }

  function end() {
    phase = "off";
    stage.hidden = true;
    button.hidden = false;
    button.focus({ preventScroll: true });
  }

  /** Takes the faces of a result: whoever shows it best counts. */
  function take(faces) {
    const now = performance.now();
    if (faces.length) seen = now;
    if (phase === "off") return;
    if (phase !== "result" && now - seen > ALONE_MS) return end();
    if (phase === "asking") {
      const label = wanted[done.length];
      const best = Math.max(0, ...faces.map((face) => face.probabilities[label] ?? 0));
      fill(best / ENOUGH);
      if (best >= ENOUGH) tick(true);
      else if (now - since > PATIENCE_MS) tick(false);
    } else if (phase === "ticked" && now - since > TICK_MS) {
      if (done.length === wanted.length) finish();
      else next();
    } else if (phase === "result" && now - since > RESULT_MS) end();
  }

  function tick(found) {
    done.push(found);
    phase = "ticked";
    since = performance.now();
    show();
  }

  function finish() {
    phase = "result";
    since = performance.now();
    const count = done.filter(Boolean).length;
    const all = count === done.length;
    over.replaceChildren(
      element("p", "score", t("play.score", { n: number(count), of: number(done.length) })),
      element("p", "praise", t(all ? "play.all" : "play.some")),
    );
    if (all) over.append(confetti(labels));
    show();
  }

  /** What the game says now, in the page's language. */
  function show(running = true) {
    button.textContent = t("play");
    // Someone at a keyboard stays where they are.
    button.hidden = phase !== "off" || !(running || button.matches(":focus-visible"));
    stage.dataset.phase = phase;
    stop.textContent = t("play.stop");
    if (phase === "off") return;
    if (!running) return end();
    const label = wanted[phase === "asking" ? done.length : done.length - 1];
    const face = { emotion: label, confident: true };
    ask.textContent = t("play.show", { emotion: wordFor(face) });
    stage.style.setProperty("--shade", shadeOf(face));
    draw(drawn, label, true);
    marks.replaceChildren(
      ...wanted.map((_, place) => element("li", done[place] === undefined ? "" : done[place] ? "found" : "missed", done[place] ? "✓" : "")),
    );
    marks.setAttribute("aria-label", t("play.score", { n: number(done.filter(Boolean).length), of: number(wanted.length) }));
  }

  function fill(part) {
    closing.lastChild.style.strokeDashoffset = String(100 - 100 * Math.min(1, part));
  }

  return { take, show };
}

function circle() {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("viewBox", "0 0 100 100");
  made.setAttribute("class", "closing");
  made.setAttribute("aria-hidden", "true");
  for (const name of ["whole", "closed"]) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [key, value] of Object.entries({ cx: 50, cy: 50, r: 46, pathLength: 100, class: name })) one.setAttribute(key, value);
    made.append(one);
  }
  return made;
}

/** Paper that falls once; where less motion is wanted it lies still. */
function confetti(labels) {
  const made = element("div", "confetti");
  made.setAttribute("aria-hidden", "true");
  for (let piece = 0; piece < PIECES; piece++) {
    const one = element("i");
    one.style.setProperty("--shade", `var(--${labels[piece % labels.length]})`);
    one.style.left = `${Math.random() * 100}%`;
    one.style.top = `${Math.random() * 100}%`;
    one.style.rotate = `${Math.random() * 360}deg`;
    one.style.animationDelay = `${Math.random() * 1.2}s`;
    made.append(one);
  }
  return made;
}

function shuffled(items) {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}
