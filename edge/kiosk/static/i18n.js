// Words in the visitor's language. The page is written in English; a language file replaces its texts.
export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", hi: "हिन्दी" };

let words = {};
let language = "en";
let latest = 0;

export const current = () => language;

/** The text of a key, with {names} filled in. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A share of 0 to 1 as percent, written as the language writes it. */
export const percent = (share, digits = 0) =>
  new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(share);

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** The visitor's choice, else the kiosk's, else the browser's, else English. */
export function choose(configured) {
  const wishes = [stored(), configured, ...(navigator.languages ?? [])];
  for (const wish of wishes) {
    const short = (wish ?? "").slice(0, 2).toLowerCase();
    if (short in LANGUAGES) return short;
  }
  return "en";
}

/** Writes the page in a language. Of two loads at once the later call counts, whichever reply comes last. */
export async function load(code) {
  const turn = (latest += 1);
  const reply = await fetch(`static/lang/${code}.json`);
  if (!reply.ok) throw new Error(`no language file for ${code}`);
  const loaded = await reply.json();
  if (turn !== latest) return;
  words = loaded;
  language = code;
  document.documentElement.lang = code;
  apply(document);
  document.dispatchEvent(new Event("language"));
}

export function remember(code) {
  try {
    localStorage.setItem("language", code);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

function stored() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

function apply(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of root.querySelectorAll("[data-i18n-label]")) element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  for (const element of root.querySelectorAll("[data-i18n-alt]")) element.setAttribute("alt", t(element.dataset.i18nAlt));
  const title = document.body.dataset.title;
  if (title) document.title = `${t(title)} · ${document.body.dataset.owner ?? "emotion-edge"}`;
}
