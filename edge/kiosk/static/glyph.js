// The drawn face: one shape of brows, eyes and mouth for all emotions, so that one can turn into another.
const MORPH_MS = 260;
const SVG = "http://www.w3.org/2000/svg";

// Brow: height of its outer end, middle and inner end; eye: radius; mouth: half width, height of the corners, of the
// upper and of the lower lip's control point; and how much it slants.
const POSES = {
  Angry: [12, 14, 17, 2.3, 7.5, 35, 28, 31, 0],
  Happy: [14, 11, 13, 2.4, 9.5, 28, 31, 43, 0],
  Neutral: [15, 13.5, 15, 2.4, 8, 32, 32, 32, 0],
  Sad: [17, 14, 11, 2.3, 7.5, 36, 28, 28.5, 0],
  Surprise: [11, 7, 10, 3.2, 4.6, 33, 24, 43, 0],
  unsure: [15, 13, 14, 2.4, 7.5, 32, 32, 32, 1.6],
};

const still = matchMedia("(prefers-reduced-motion: reduce)");

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A drawn face; `draw` makes it show an emotion. */
export function glyph() {
  const made = svg("svg", { viewBox: "0 0 48 48", class: "glyph", "aria-hidden": "true" });
  made.append(svg("circle", { cx: 24, cy: 24, r: 20.5, class: "head" }));
  for (const cx of [17, 31]) made.append(svg("circle", { cx, cy: 22.5, class: "eye" }));
  made.append(svg("path", { class: "brows" }), svg("path", { class: "mouth" }));
  pose(made, POSES.Neutral);
  return made;
}

/** Lets the face turn into one that shows `emotion`, or that there is no telling. */
export function draw(made, emotion, confident) {
  const wanted = confident && emotion in POSES ? emotion : "unsure";
  if (made.dataset.shows === wanted) return;
  const first = !made.dataset.shows;
  made.dataset.shows = wanted;
  made.style.setProperty("--shade", confident ? `var(--${emotion})` : "var(--soft)");
  if (first || still.matches || document.hidden) pose(made, POSES[wanted]);
  else morph(made, made.now, POSES[wanted], performance.now());
}

function morph(made, from, to, began) {
  const step = (now) => {
    if (POSES[made.dataset.shows] !== to) return; // another one has begun
    const part = Math.min(1, Math.max(0, (now - began) / MORPH_MS));
    const eased = part * part * (3 - 2 * part);
    pose(made, from.map((value, index) => value + eased * (to[index] - value)));
    if (part < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function pose(made, values) {
  made.now = values;
  const [outer, middle, inner, eye, width, corner, upper, lower, slant] = values;
  const [, left, right, brows, mouth] = made.children;
  for (const one of [left, right]) one.setAttribute("r", eye);
  brows.setAttribute("d", `M11.5 ${outer}Q16 ${middle} 20.5 ${inner}M36.5 ${outer}Q32 ${middle} 27.5 ${inner}`);
  const ends = [`${24 - width} ${corner + slant}`, `${24 + width} ${corner - slant}`];
  mouth.setAttribute("d", `M${ends[0]}Q24 ${upper} ${ends[1]}Q24 ${lower} ${ends[0]}Z`);
}
