// The upload page: choose, drop, paste or take a picture; see what its faces show.
import { bars, box, element, shadeOf } from "./faces.js";
import { begin } from "./frame.js";
import { draw, glyph } from "./glyph.js";
import { number, percent, t } from "./i18n.js";
import { shrunk } from "./shrink.js";

const TYPES = ["image/jpeg", "image/png", "image/webp"];
const $ = (id) => document.getElementById(id);
let about = null;
let latest = null;
let running = 0;
let given = null;

for (const id of ["file", "camera"]) {
  $(id).addEventListener("change", ({ target }) => {
    if (target.files.length) send(target.files[0]);
    target.value = "";
  });
}
$("whole").addEventListener("click", () => send(given, true));
$("form").addEventListener("submit", (event) => event.preventDefault());
addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) $("drop").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) send(file);
});
addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
  if (file) send(file);
});
document.addEventListener("language", () => {
  limits();
  if (latest) show(latest);
});
// Pictures are taken from the first moment on, and answered once texts and limits are there.
const ready = begin()
  .then((said) => {
    about = said;
    limits();
  })
  .catch(console.error);

function limits() {
  if (about) $("limits").textContent = t("upload.limits", { n: number(about.upload.max_bytes / 1e6) });
}

/** Shows what a picture's faces say; with `whole`, what the whole picture says where there is none. */
async function send(chosen, whole = false) {
  const mine = ++running;
  given = chosen;
  $("whole").hidden = true;
  $("outcome").hidden = false;
  $("people").replaceChildren();
  $("shown").hidden = true;
  latest = null;
  const [file] = await Promise.all([shrunk(chosen), ready]);
  if (mine !== running) return;
  if (about && file.size > about.upload.max_bytes) return say(t("error.too_large", { n: number(about.upload.max_bytes / 1e6) }));
  if (file.type && !TYPES.includes(file.type)) return say(t("error.not_a_picture"));
  say(t("upload.working"), "busy");
  let answer;
  try {
    answer = await ask(file, whole);
  } catch {
    answer = { error: { code: "offline" } };
  }
  if (mine !== running) return;
  if (answer.error?.code) {
    const key = `error.${answer.error.code}`;
    return say(t(key) === key ? answer.error.message : t(key, { n: number((about?.upload.max_bytes ?? 1e7) / 1e6) }));
  }
  if (await picture(file)) show(answer);
}

/** Sends the picture; comes back a few times when the kiosk is busy. */
async function ask(file, whole) {
  for (let attempt = 0; ; attempt++) {
    const body = new FormData();
    body.append("file", file, "picture");
    const reply = await fetch(`api/predict?fallback=${whole}`, { method: "POST", body });
    if (reply.status === 401) location.reload();
    const wait = reply.headers.get("retry-after");
    if (reply.status !== 503 || !wait || attempt === 4) return reply.json();
    await new Promise((done) => setTimeout(done, 1000 * Number(wait)));
  }
}

async function picture(file) {
  const preview = $("preview");
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(file);
  try {
    await preview.decode();
  } catch {
    say(t("error.broken_picture"));
    return false;
  }
  $("shown").style.setProperty("--wide", preview.naturalWidth);
  $("shown").style.setProperty("--ratio", preview.naturalWidth / preview.naturalHeight);
  $("shown").hidden = false;
  return true;
}

function show(result) {
  latest = result;
  const none = result.faces.length === 0;
  say(result.fallback ? t("upload.fallback") : none ? t("upload.noface") : "");
  $("whole").hidden = !none;
  $("main").classList.add("done");
  $("shown").hidden = false;
  $("boxes").replaceChildren();
  $("boxes").dataset.crowd = result.faces.length > 1 ? "many" : "one";
  $("people").replaceChildren();
  result.faces.forEach((face, index) => {
    if (!result.fallback) {
      const frame = box();
      frame.place(face, result.faces.length > 1 ? String(index + 1) : "", result.width, result.height);
      $("boxes").append(frame.made);
    }
    $("people").append(card(face, index + 1, result.faces.length));
  });
  $("outcome").scrollIntoView({ block: "nearest" });
}

function card(face, place, count) {
  const made = element("article", "card");
  const top = element("div", "top");
  const drawn = glyph();
  const pair = element("dl", "pair");
  const chances = bars(about?.labels ?? Object.keys(face.probabilities));
  made.style.setProperty("--shade", shadeOf(face));
  made.setAttribute("aria-label", t("person", { name: number(place) }));
  draw(drawn, face.emotion, face.confident);
  chances.update(face.probabilities, face.confident ? face.emotion : null);
  pair.append(
    element("dt", "", t("upload.emotion")),
    element("dd", "emotion", t(`emotion.${face.emotion}`)),
    element("dt", "", t("upload.confidence")),
    element("dd", "confidence", percent(face.confidence, 2)),
  );
  if (count > 1) top.append(element("span", "chip", String(place)));
  top.append(drawn, pair);
  made.append(top);
  if (!face.confident) made.append(element("p", "doubt", t("upload.doubt")));
  made.append(chances.list);
  return made;
}

function say(text, kind = "") {
  const message = $("message");
  message.hidden = !text;
  message.textContent = text;
  message.className = `message ${kind}`;
}
