// How a face is shown, live and of an upload: five bars, a box with glyph and word, names and colours.
import { draw, glyph } from "./glyph.js";
import { percent, t } from "./i18n.js";

// Names of the people in the picture: the first that is free, so that they stay few all day.
const ANIMALS = ["fox", "owl", "bear", "hare", "frog", "cat", "wolf", "deer", "duck", "seal", "crow", "lynx"];

/** What people are called while they are in the picture: `of(track)`, and `keep(tracks)` frees the names of the others. */
export function names() {
  const given = new Map();
  return {
    of(track) {
      if (!given.has(track)) {
        const taken = new Set(given.values());
        given.set(track, ANIMALS.find((animal) => !taken.has(animal)) ?? ANIMALS[track % ANIMALS.length]);
      }
      return t(`animal.${given.get(track)}`);
    },
    keep(tracks) {
      for (const track of given.keys()) if (!tracks.has(track)) given.delete(track);
    },
  };
}

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
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
      fill.style.width = Math.round(share * 100) ? `${(share * 100).toFixed(1)}%` : "0"; // no sliver where it says 0 %
      value.textContent = percent(share);
      row.classList.toggle("best", label === best);
    }
  }
  return { list, update };
}

/** The word to show for a face: its emotion, or that there is no telling. */
export const wordFor = (face) => (face.confident ? t(`emotion.${face.emotion}`) : t("unsure"));

/** The colour of what a face shows; without certainty that of quiet words. */
export const shadeOf = (face) => (face.confident ? `var(--${face.emotion})` : "var(--soft)");

/** A frame around a face, placed in percent of the picture, with what it shows and a name under it. */
export function box() {
  const made = element("div", "box");
  const tag = element("span", "tag");
  const said = element("span", "said");
  const small = glyph();
  const large = glyph();
  const called = element("span", "called");
  tag.append(small, said);
  large.classList.add("large");
  made.append(tag, large, called);
  function place(face, name, width, height) {
    const [x, y, w, h] = face.box;
    made.style.left = `${(x / width) * 100}%`;
    made.style.top = `${(y / height) * 100}%`;
    made.style.width = `${(w / width) * 100}%`;
    made.style.height = `${(h / height) * 100}%`;
    made.style.setProperty("--shade", shadeOf(face));
    // Without room above, the word goes below; into the frame only where there is none either.
    const full = y / height < 0.13;
    const room = (y + h) / height < 0.8;
    made.classList.toggle("below", full && room);
    made.classList.toggle("inside", full && !room);
    made.classList.toggle("left", (x + w / 2) / width < 0.25);
    made.classList.toggle("right", (x + w / 2) / width > 0.75);
    made.classList.toggle("unsure", !face.confident);
    called.textContent = name;
    said.textContent = wordFor(face);
    for (const drawn of [small, large]) draw(drawn, face.emotion, face.confident);
  }
  return { made, place };
}
