// On the device's own screen: a QR code that takes a visitor's phone to the upload page. The pass in it changes, so it
// is fetched anew. It stands in a corner of the picture in which no face is, and large where there is room.
import { element } from "./faces.js";
import { t } from "./i18n.js";

const EVERY_MS = 60_000;
const CORNERS = ["bottom left", "top left", "top right"]; // buttons are in the fourth
const made = element("figure", "phone");
const code = new Image();
const words = element("figcaption");
const stage = document.querySelector(".stage");
const invitation = document.getElementById("attract");

words.dataset.i18n = "phone";
made.append(code, words);
made.dataset.corner = CORNERS[0];
code.onerror = () => made.remove();
code.onload = stand;
document.addEventListener("language", name);
fetchAnew();
setInterval(fetchAnew, EVERY_MS);
setInterval(stand, 300);

function fetchAnew() {
  code.src = `phone.svg?${Date.now()}`;
}

function name() {
  code.alt = t("phone");
}

/** Puts the code where there is room for it now. */
function stand() {
  if (!code.naturalWidth) return;
  const seen = ["ok", "empty"].includes(document.body.dataset.state);
  const home = !invitation.hidden ? invitation : seen ? stage : stage.parentElement;
  if (made.parentElement !== home) home.append(made);
  made.style.visibility = "";
  if (home !== stage) return;
  for (const corner of [made.dataset.corner, ...CORNERS]) {
    made.dataset.corner = corner;
    if (!covers()) return;
  }
  made.style.visibility = "hidden";
}

/** Whether a face, or what is said of it, lies under the code. */
function covers() {
  const mine = made.getBoundingClientRect();
  return [...document.querySelectorAll("#boxes :is(.box, .tag, .called)")].some((one) => {
    const its = one.getBoundingClientRect();
    return its.left < mine.right && its.right > mine.left && its.top < mine.bottom && its.bottom > mine.top;
  });
}
