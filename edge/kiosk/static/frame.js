// What every page has around it: language, colours, the active page, and what the kiosk says about itself.
import { LANGUAGES, choose, load, remember, t } from "./i18n.js";

/** Sets the page up; gives what /api/about says. */
export async function begin() {
  const about = await fetchAbout();
  const chosen = choose(about?.language);
  if (about && about.theme !== "auto" && !document.documentElement.dataset.theme) {
    document.documentElement.dataset.theme = about.theme;
  }
  if (about) own(about);
  languages(chosen);
  themes();
  navigation(about);
  await load(chosen);
  return about;
}

async function fetchAbout() {
  try {
    const reply = await fetch("api/about");
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}

/** The owner's title, logo and colour. */
function own({ title, logo, accent }) {
  const brand = document.querySelector(".brand");
  if (title) {
    document.body.dataset.owner = title;
    brand?.querySelector("span").replaceChildren(title);
  }
  if (logo && brand) {
    const picture = new Image();
    picture.src = "logo";
    picture.alt = "";
    brand.querySelector("svg").replaceWith(picture);
  }
  if (accent) {
    const { style } = document.documentElement;
    style.setProperty("--owner-on-dark", legible(accent, "#171f2b", 255));
    style.setProperty("--owner-on-light", legible(accent, "#e4eaf2", 0));
  }
}

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** A colour moved towards white (255) or black (0) until words in it can be read on `ground` (WCAG: 4.5 to 1). */
function legible(colour, ground, towards) {
  const wanted = light(channels(ground));
  for (let part = 0; ; part += 0.05) {
    const mixed = channels(colour).map((value) => Math.round(value + part * (towards - value)));
    const [low, high] = [light(mixed), wanted].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) >= 4.5 || part >= 1) return `rgb(${mixed.join(" ")})`;
  }
}

/** Relative luminance, 0 to 1. */
function light(rgb) {
  const [red, green, blue] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function languages(chosen) {
  const select = document.getElementById("language");
  if (!select) return;
  for (const [code, name] of Object.entries(LANGUAGES)) {
    const option = new Option(name, code, code === chosen, code === chosen);
    option.lang = code;
    select.add(option);
  }
  select.addEventListener("change", () => {
    remember(select.value);
    load(select.value);
  });
}

function themes() {
  const root = document.documentElement;
  document.getElementById("theme")?.addEventListener("click", () => {
    const light = root.dataset.theme ? root.dataset.theme === "light" : matchMedia("(prefers-color-scheme: light)").matches;
    root.dataset.theme = light ? "dark" : "light";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  });
}

// What is said of a camera that does not work; of one that does, that it is active.
const NOTICES = {
  "no-camera": "",
  "upload-only": "",
  starting: "notice.starting",
  reconnecting: "notice.reconnecting",
  stalled: "notice.reconnecting",
  offline: "notice.offline",
};

/** Says in the bar what the camera does. */
export function notice(about, state) {
  const bar = document.getElementById("notice");
  if (!bar || !about?.live || about.visitor) return; // a visitor's phone has another camera
  const key = about.demo ? "notice.demo" : (NOTICES[state] ?? "notice");
  bar.hidden = !key;
  bar.classList.toggle("off", key !== "notice");
  const words = bar.querySelector("[data-i18n]");
  words.dataset.i18n = key;
  const text = t(key);
  if (words.textContent !== text) words.textContent = text;
}

function navigation(about) {
  const live = document.getElementById("nav-live");
  if (live && about && (!about.live || about.visitor)) live.remove();
  if (about?.visitor) document.querySelector(".brand")?.setAttribute("href", "upload");
  notice(about, about?.state);
  // The last part alone: the kiosk may stand below a path of a proxy.
  const page = location.pathname.split("/").pop();
  const here = page || (about && !about.live ? "upload" : "./");
  document.querySelector(`nav a[href="${here}"]`)?.setAttribute("aria-current", "page");
}
