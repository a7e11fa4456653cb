// The live view. One stream of events says all there is to show; each event is complete in itself.
import { bars, box, draw, element, glyph, trackColour, wordFor } from "./faces.js";
import { begin } from "./frame.js";
import { number, percent, t } from "./i18n.js";
import { SECONDS, timeline } from "./timeline.js";

const EMPTY_AFTER_MS = 1500;
const SILENT_AFTER_MS = 4000;
const ANNOUNCE_EVERY_MS = 5000;
const CARDS_MOST = 5;

const ICONS = {
  starting: "M24 6a18 18 0 1 1-18 18M24 14v10l7 5",
  "no-camera": "M6 14h24v22H6zM30 22l12-7v20l-12-7M5 43 43 5",
  reconnecting: "M8 24a16 16 0 0 1 28-10l4 4M40 8v10H30M40 24a16 16 0 0 1-28 10l-4-4M8 40V30h10",
  offline: "M6 18c10-9 26-9 36 0M12 25c7-6 17-6 24 0M18 32c4-3 8-3 12 0M24 39v.5M6 6l36 36",
  dark: "M38 29A16 16 0 1 1 19 10a13 13 0 0 0 19 19z",
  empty: "M24 22a8 8 0 1 0-.01 0M8 42c1-9 8-13 16-13s15 4 16 13",
};

const $ = (id) => document.getElementById(id);
const people = new Map();
let about = null;
let latest = null;
let status = {};
let connected = false;
let heardMs = performance.now();
let seenMs = performance.now();
let announced = { text: "", ms: -Infinity };

about = await begin();
if (about) {
  document.querySelector(".stage").classList.toggle("blank", about.video === "off");
  connect();
  setInterval(show, 500);
  document.addEventListener("visibilitychange", watchPicture);
  document.addEventListener("language", show);
  watchPicture();
} else {
  show();
  setTimeout(() => location.reload(), 3000);
}

function connect() {
  const events = new EventSource("events");
  events.onopen = () => {
    connected = true;
    watchPicture();
  };
  events.onmessage = ({ data }) => {
    heardMs = performance.now();
    connected = true;
    const message = JSON.parse(data);
    status = message.status;
    if (message.result) take(message.result);
    show();
  };
  events.onerror = () => {
    connected = false;
    show();
    // A browser gives up after an answer such as 503; try again, and ask for the token if it was changed.
    if (events.readyState === EventSource.CLOSED) setTimeout(again, 2000);
  };
}

async function again() {
  try {
    if ((await fetch("api/about")).status === 401) location.reload();
  } catch {
    // Still away.
  }
  connect();
}

/** Shows the picture while the page is in sight; a hidden page asks for none. */
function watchPicture() {
  const picture = $("picture");
  if (about.video === "off" || document.hidden) {
    picture.removeAttribute("src");
    picture.hidden = true;
    return;
  }
  picture.onload = () => (picture.hidden = false);
  picture.onerror = () => (picture.hidden = true);
  picture.src = `stream.mjpg?${Date.now()}`;
}

function take(result) {
  latest = result;
  if (result.faces.length) seenMs = performance.now();
  if (result.width) $("frame").style.setProperty("--ratio", result.width / result.height);
}

/** What the stage says instead of, or over, the picture; null when there are faces to see. */
function kindOfState() {
  const now = performance.now();
  if (!connected || now - heardMs > SILENT_AFTER_MS) return "offline";
  if (!latest) return status.state === "no-camera" ? "no-camera" : "starting";
  if (status.state === "no-camera" || status.state === "starting") return status.state;
  if (["reconnecting", "lost", "ended"].includes(latest.state) || ["reconnecting", "stalled"].includes(status.state)) return "reconnecting";
  if (latest.state === "dark") return "dark";
  return latest.faces.length === 0 && now - seenMs > EMPTY_AFTER_MS ? "empty" : null;
}

function show() {
  const kind = kindOfState();
  const faces = kind === null && latest ? latest.faces : [];
  showState(kind);
  showFigures(kind);
  showFaces(faces, kind);
  announce(faces, kind);
}

function showState(kind) {
  const state = $("state");
  document.body.dataset.state = kind ?? "ok";
  state.hidden = kind === null;
  if (about) $("notice").hidden = kind === "no-camera";
  if (kind === null) return;
  state.dataset.kind = kind;
  $("state-icon").setAttribute("d", ICONS[kind]);
  write($("state-title"), t(`state.${kind}`));
  write($("state-hint"), t(`state.${kind}.hint`));
}

function showFigures(kind) {
  const figures = $("figures");
  const { fps = {}, latency_ms: latency, temperature_c: heat, pace } = status;
  const parts = [];
  const running = kind === null || kind === "empty" || kind === "dark";
  if (running && fps.processed !== undefined) parts.push([t("fps", { n: number(fps.processed) })]);
  if (running && latency) parts.push([t("latency", { n: number(latency) })]);
  if (heat) parts.push([`${number(heat)} °C`]);
  if (pace && pace !== "full") parts.push([t("hot"), "hot"]);
  while (figures.children.length > parts.length) figures.lastChild.remove();
  while (figures.children.length < parts.length) figures.append(element("span"));
  parts.forEach(([text, kindOf = ""], index) => {
    write(figures.children[index], text);
    figures.children[index].className = kindOf;
  });
}

function showFaces(faces, kind) {
  const panel = $("people");
  const present = new Set(faces.map((face) => face.track));
  for (const [track, person] of people) {
    if (present.has(track)) continue;
    person.card.remove();
    person.frame.made.remove();
    people.delete(track);
  }
  const crowd = faces.length > 2 ? "many" : faces.length > 1 ? "two" : "one";
  panel.dataset.crowd = $("boxes").dataset.crowd = crowd;
  for (const [index, face] of faces.entries()) {
    if (!people.has(face.track)) arrive(face.track);
    const person = people.get(face.track);
    person.card.hidden = index >= CARDS_MOST;
    person.update(face);
    person.frame.place(face, face.track, latest.width, latest.height);
  }
  showRest(panel, faces.length, kind);
}

function showRest(panel, count, kind) {
  let rest = panel.querySelector(".hint, .more");
  const hint = count === 0;
  const text = hint ? t(kind && kind !== "empty" ? "waiting" : "hello") : count > CARDS_MOST ? t("more", { n: number(count - CARDS_MOST) }) : "";
  if (rest && (!text || rest.classList.contains("hint") !== hint)) {
    rest.remove();
    rest = null;
  }
  if (!text) return;
  if (!rest) {
    rest = element(hint ? "div" : "p", hint ? "hint" : "more");
    if (hint) rest.append(glyph());
    rest.append(element("p"));
    panel.append(rest);
  }
  write(rest.lastChild, text);
}

/** A card and a frame for a new face. */
function arrive(track) {
  const card = element("article", "card");
  const top = element("div", "top");
  const drawn = glyph();
  const share = element("span", "percent");
  const word = element("p", "word");
  const perhaps = element("p", "perhaps");
  const chances = bars(about.labels);
  const past = timeline(about.labels);
  const caption = element("p", "caption");
  const ago = element("span");
  const now = element("span");
  const frame = box();
  card.style.setProperty("--track", trackColour(track));
  caption.setAttribute("aria-hidden", "true");
  caption.append(ago, now);
  top.append(element("span", "chip", String(track)), drawn, share);
  const lately = element("div", "past");
  lately.append(past.made, caption);
  card.append(top, word, perhaps, chances.list, lately);
  $("people").append(card);
  $("boxes").append(frame.made);
  function update(face) {
    const text = wordFor(face);
    write(word, text);
    word.style.setProperty("--letters", Math.max(text.length, 6));
    write(share, face.confident ? percent(face.confidence) : "");
    // The longest bar: the held emotion may have fallen behind it.
    const [emotion, chance] = Object.entries(face.probabilities).reduce((a, b) => (b[1] > a[1] ? b : a));
    perhaps.hidden = face.confident;
    write(perhaps, t("perhaps", { emotion: t(`emotion.${emotion}`), share: percent(chance) }));
    write(ago, t("ago", { n: number(SECONDS) }));
    write(now, t("now"));
    card.setAttribute("aria-label", t("person", { n: track }));
    draw(drawn, face.emotion, face.confident);
    chances.update(face.probabilities, face.confident ? face.emotion : null);
    past.add(performance.now() / 1000, face.emotion, face.confident);
  }
  people.set(track, { card, frame, update });
}

/** Tells a screen reader what changed, not more often than one can listen to. */
function announce(faces, kind) {
  const text = kind ? t(`state.${kind}`) : faces.map((face) => `${t("person", { n: face.track })}: ${wordFor(face)}`).join(". ");
  const now = performance.now();
  if (text === announced.text || now - announced.ms < ANNOUNCE_EVERY_MS) return;
  announced = { text, ms: now };
  $("announcer").textContent = text;
}

function write(where, text) {
  if (where.textContent !== text) where.textContent = text;
}
