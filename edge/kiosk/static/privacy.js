// Puts the kiosk's own settings into the words of the privacy page.
import { begin } from "./frame.js";
import { t } from "./i18n.js";

const about = await begin();
document.addEventListener("language", fill);
fill();

function fill() {
  if (!about) return;
  set("camera-words", about.demo ? "privacy.camera.demo" : about.live ? "privacy.camera.on" : "privacy.camera.off");
  set("video-words", about.live ? `privacy.video.${about.video}` : "privacy.video.none");
  set("log-words", about.event_log ? "privacy.log.on" : "privacy.log.off");
  set("local-words", about.published ? "privacy.published" : "privacy.local");
}

function set(id, key) {
  const where = document.getElementById(id);
  where.dataset.i18n = key;
  where.textContent = t(key);
}
