// The live view. One stream of events says all there is to show; each event is complete in itself.
import { attract } from "./attract.js";
import { element, wordFor } from "./faces.js";
import { begin, notice } from "./frame.js";
import { number, t } from "./i18n.js";
import { crowd, write } from "./people.js";
import { film } from "./picture.js";
import { game } from "./play.js";

const EMPTY_AFTER_MS = 1500;
const SILENT_AFTER_MS = 4000;
const ANNOUNCE_EVERY_MS = 5000;
const DEBUG = new URLSearchParams(location.search).has("debug");

const ICONS = {
  starting: "M24 6a18 18 0 1 1-18 18M24 14v10l7 5",
  "no-camera": "M6 14h24v22H6zM30 22l12-7v20l-12-7M5 43 43 5",
  reconnecting: "M8 24a16 16 0 0 1 28-10l4 4M40 8v10H30M40 24a16 16 0 0 1-28 10l-4-4M8 40V30h10",
  offline: "M6 18c10-9 26-9 36 0M12 25c7-6 17-6 24 0M18 32c4-3 8-3 12 0M24 39v.5M6 6l36 36",
  dark: "M38 29A16 16 0 1 1 19 10a13 13 0 0 0 19 19z",
};
const $ = (id) => document.getElementById(id);
let latest = null;
let status = {};
let connected = false;
let heardMs = performance.now();
let seenMs = performance.now();
let announced = { text: "", ms: -Infinity };

const about = await begin();
const people = about && crowd($("people"), $("boxes"), about.labels);
const picture = about && film($("picture"), (faces) => latest && people.place(shown(faces), latest.width, latest.height));
$("why").addEventListener("click", () => $("reasons").showModal());
const loop = attract($("attract"), about);
const play = about && game($("game"), $("play"), about.labels);
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
  };
  events.onmessage = ({ data }) => {
    heardMs = performance.now();
    connected = true;
    const message = JSON.parse(data);
    status = message.status;
    if (message.result) take(message.result, message.captured_s);
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
  picture.stop();
  if (about.video !== "off" && !document.hidden) picture.follow();
}

function take(result, captured) {
  latest = result;
  if (result.faces.length) seenMs = performance.now();
  if (result.width) $("frame").style.setProperty("--ratio", result.width / result.height);
  picture.take(captured, result.faces);
  play.take(result.faces);
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

const shown = (faces) => (kindOfState() === null ? faces : []);

function show() {
  const kind = kindOfState();
  const faces = latest ? shown(latest.faces) : [];
  showState(kind);
  notice(about, kind);
  showFigures(kind);
  loop.show(kind === "empty");
  if (about) {
    play.show(kind === null || kind === "empty");
    people.update(faces, kind === null || kind === "empty" ? t("hello") : t("waiting"));
    // Without pictures, boxes follow the results.
    if (latest && ($("picture").hidden || faces.length === 0)) people.place(faces, latest.width, latest.height);
  }
  announce(faces, kind);
}

function showState(kind) {
  const state = $("state");
  document.body.dataset.state = kind ?? "ok";
  state.hidden = !(kind in ICONS);
  if (state.hidden) return;
  state.dataset.kind = kind;
  $("state-icon").setAttribute("d", ICONS[kind]);
  write($("state-title"), t(`state.${kind}`));
  write($("state-hint"), t(`state.${kind}.hint`));
}

function showFigures(kind) {
  const figures = $("figures");
  const { fps = {}, latency_ms: latency, temperature_c: heat, pace } = status;
  const parts = [];
  if (DEBUG && kind !== "offline") {
    if (fps.processed !== undefined) parts.push([t("fps", { n: number(fps.processed) })]);
    if (latency) parts.push([t("latency", { n: number(latency) })]);
    if (heat) parts.push([`${number(heat)} °C`]);
  }
  if (pace && pace !== "full") parts.push([t("hot"), "hot"]);
  figures.hidden = parts.length === 0;
  while (figures.children.length > parts.length) figures.lastChild.remove();
  while (figures.children.length < parts.length) figures.append(element("span"));
  parts.forEach(([text, kindOf = ""], index) => {
    write(figures.children[index], text);
    figures.children[index].className = kindOf;
  });
}

/** Tells a screen reader what changed, not more often than one can listen to. */
function announce(faces, kind) {
  const text = kind ? t(`state.${kind}`) : faces.map((face) => `${people.called(face)}: ${wordFor(face)}`).join(". ");
  const now = performance.now();
  if (text === announced.text || now - announced.ms < ANNOUNCE_EVERY_MS) return;
  announced = { text, ms: now };
  $("announcer").textContent = text;
}
