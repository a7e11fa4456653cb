// How a face is shown, live and of an upload: drawn glyph, five bars, box and colours.
import { percent, t } from "./i18n.js";

const TRACKS = ["#35d6c0", "#ff9d5c", "#ff8fd0", "#b6e34b", "#7fb8ff", "#ffe066", "#cfa8ff", "#8ff0a4"];

const GLYPHS = {
  Angry: "M14 17l7 4M34 17l-7 4M16 34c4-5 12-5 16 0",
  Happy: "M15 28c4 8 14 8 18 0",
  Neutral: "M16 31h16",
  Sad: "M13 20l6-3M35 20l-6-3M16 34c4-6 12-6 16 0",
  Surprise: "M14 14c2-2 4-2 6 0M28 14c2-2 4-2 6 0M24 28a4 5 0 1 0 .01 0",
  unsure: "M19 31c3-3 7 3 10 0",
};

export const trackColour = (track) => TRACKS[(track - 1 + TRACKS.length) % TRACKS.length];

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A drawn face; `draw` makes it show an emotion. */
export function glyph() {
  const made = svg("svg", { viewBox: "0 0 48 48", class: "glyph", "aria-hidden": "true" });
  made.append(svg("circle", { cx: 24, cy: 24, r: 20 }));
  for (const cx of [17, 31]) made.append(svg("circle", { cx, cy: 22, r: 2.4, class: "fill" }));
  made.append(svg("path", { d: GLYPHS.Neutral }));
  return made;
}

export function draw(made, emotion, confident) {
  made.lastChild.setAttribute("d", confident ? GLYPHS[emotion] ?? GLYPHS.Neutral : GLYPHS.unsure);
  made.style.setProperty("--shade", confident ? `var(--${emotion})` : "var(--soft)");
}

/** Five bars, each a meter with a name and a value; `update` sets them. */
export function bars(labels) {
  const list = element("ul", "bars");
  const rows = new Map();
  for (const label of labels) {
    const row = element("li");
    const name = element("span", "name");
    const track = element("span", "bar-track");
    const fill = element("span", "bar-fill");
    const value = element("span", "value");
    row.style.setProperty("--shade", `var(--${label})`);
    track.setAttribute("role", "meter");
    track.setAttribute("aria-valuemin", "0");
    track.setAttribute("aria-valuemax", "100");
    value.setAttribute("aria-hidden", "true");
    track.append(fill);
    row.append(name, track, value);
    list.append(row);
    rows.set(label, { row, name, track, fill, value });
  }
  function update(probabilities, best) {
    for (const [label, { row, name, track, fill, value }] of rows) {
      const share = probabilities[label] ?? 0;
      const word = t(`emotion.${label}`);
      if (name.textContent !== word) {
        name.textContent = word;
        track.setAttribute("aria-label", word);
      }
      track.setAttribute("aria-valuenow", Math.round(share * 100));
      fill.style.width = `${(share * 100).toFixed(1)}%`;
      value.textContent = percent(share);
      row.classList.toggle("best", label === best);
    }
  }
  return { list, update };
}

/** The word to show for a face: its emotion, or that there is no telling. */
export const wordFor = (face) => (face.confident ? t(`emotion.${face.emotion}`) : t("unsure"));

/** A frame around a face, placed in percent of the picture. */
export function box() {
  const made = element("div", "box");
  const tag = element("span", "tag");
  const numeral = element("span");
  const said = element("span", "said");
  const drawn = glyph();
  tag.append(numeral, said);
  made.append(tag, drawn);
  function place(face, name, width, height) {
    const [x, y, w, h] = face.box;
    made.style.left = `${(x / width) * 100}%`;
    made.style.top = `${(y / height) * 100}%`;
    made.style.width = `${(w / width) * 100}%`;
    made.style.height = `${(h / height) * 100}%`;
    made.style.setProperty("--track", trackColour(name));
    made.classList.toggle("low", y / height < 0.09);
    made.classList.toggle("right", x / width > 0.6);
    made.classList.toggle("unsure", !face.confident);
    numeral.textContent = String(name);
    said.textContent = face.confident ? ` ${wordFor(face)} ${percent(face.confidence)}` : ` ${wordFor(face)}`;
    draw(drawn, face.emotion, face.confident);
  }
  return { made, place };
}
