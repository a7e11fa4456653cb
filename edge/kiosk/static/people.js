// The people in the picture: a box at each face, and a card each, left to right as they stand.
import { bars, box, element, names, shadeOf, wordFor } from "./faces.js";
import { draw, glyph } from "./glyph.js";
import { number, percent, t } from "./i18n.js";
import { SECONDS, timeline } from "./timeline.js";

const CARDS_MOST = 4;

/** Shows people in `panel` (cards) and `frames` (boxes over the picture). */
export function crowd(panel, frames, labels) {
  const people = new Map();
  const name = names();

  /** The cards of a result's faces; without any a hint. */
  function update(faces, hint) {
    const present = new Set(faces.map(({ track }) => track));
    name.keep(present);
    for (const [track, person] of people) {
      if (present.has(track)) continue;
      person.card.remove();
      people.delete(track);
    }
    document.body.dataset.crowd = faces.length > 2 ? "many" : faces.length > 1 ? "two" : "one";
    for (const face of faces) {
      if (!people.has(face.track)) people.set(face.track, person(labels));
      people.get(face.track).update(face, name.of(face.track));
    }
    sort(faces);
    rest(faces.length, hint);
  }

  /** Cards in the order in which people stand; none moves that stands right. */
  function sort(faces) {
    const standing = [...faces].sort((a, b) => a.box[0] + a.box[2] / 2 - b.box[0] - b.box[2] / 2);
    let before = null;
    for (const [place, { track }] of standing.entries()) {
      const { card } = people.get(track);
      const next = before ? before.nextElementSibling : panel.firstElementChild;
      if (next !== card) panel.insertBefore(card, next);
      card.hidden = place >= CARDS_MOST;
      before = card;
    }
  }

  function rest(count, hint) {
    const text = count === 0 ? hint : count > CARDS_MOST ? t("more", { n: number(count - CARDS_MOST) }) : "";
    let note = panel.querySelector(".note");
    if (!text) return note?.remove();
    if (!note) {
      note = element("p", "note");
      panel.append(note);
    }
    if (note.textContent !== text) note.textContent = text;
  }

  /** The boxes of the picture's faces, which may be older than the cards. */
  function place(faces, width, height) {
    const known = new Map([...frames.children].map((made) => [made.track, made]));
    for (const face of faces) {
      const frame = known.get(face.track)?.frame ?? arrive(face.track);
      known.delete(face.track);
      frame.place(face, name.of(face.track), width, height);
    }
    for (const gone of known.values()) gone.remove();
  }

  function arrive(track) {
    const frame = box();
    frame.made.track = track;
    frame.made.frame = frame;
    frames.append(frame.made);
    return frame;
  }

  return { update, place, called: (face) => name.of(face.track) };
}

/** The card of one face. */
function person(labels) {
  const card = element("article", "card");
  const top = element("div", "top");
  const drawn = glyph();
  const called = element("p", "called");
  const share = element("span", "percent");
  const word = element("p", "word");
  const perhaps = element("p", "perhaps");
  const chances = bars(labels);
  const past = timeline(labels);
  const lately = element("div", "past");
  const caption = element("p", "caption");
  const ago = element("span");
  const now = element("span");
  caption.setAttribute("aria-hidden", "true");
  caption.append(ago, now);
  top.append(drawn, share);
  lately.append(past.made, caption);
  card.append(called, top, word, perhaps, chances.list, lately);

  function update(face, name) {
    const text = wordFor(face);
    // The longest bar: a label that is held for a moment may have fallen behind it.
    const [emotion, chance] = Object.entries(face.probabilities).reduce((a, b) => (b[1] > a[1] ? b : a));
    card.style.setProperty("--shade", shadeOf(face));
    write(called, name);
    write(word, text);
    word.style.setProperty("--letters", Math.max(text.length, 6));
    write(share, face.confident ? percent(chance) : "");
    perhaps.hidden = face.confident;
    write(perhaps, t("perhaps", { emotion: t(`emotion.${emotion}`), share: percent(chance) }));
    perhaps.style.setProperty("--letters", perhaps.textContent.length);
    write(ago, t("ago", { n: number(SECONDS) }));
    write(now, t("now"));
    card.setAttribute("aria-label", t("person", { name }));
    draw(drawn, face.emotion, face.confident);
    chances.update(face.probabilities, face.confident ? face.emotion : null);
    past.add(performance.now() / 1000, face.emotion, face.confident);
  }
  return { card, update };
}

export function write(where, text) {
  if (where.textContent !== text) where.textContent = text;
}
