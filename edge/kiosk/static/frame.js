// What every page has around it: language, colours, the active page, and what the kiosk says about itself.
import { LANGUAGES, choose, load, remember } from "./i18n.js";

/** Sets the page up; gives what /api/about says. */
export async function begin() {
  const about = await fetchAbout();
  const chosen = choose(about?.language);
  if (about && about.theme !== "auto" && !document.documentElement.dataset.theme) {
    document.documentElement.dataset.theme = about.theme;
  }
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

function navigation(about) {
  const live = document.getElementById("nav-live");
  if (live && about && !about.live) live.remove();
  const notice = document.getElementById("notice");
  if (notice && about?.live) notice.hidden = false;
  // The last part alone: the kiosk may stand below a path of a proxy.
  const page = location.pathname.split("/").pop();
  const here = page || (about && !about.live ? "upload" : "./");
  document.querySelector(`nav a[href="${here}"]`)?.setAttribute("aria-current", "page");
}
