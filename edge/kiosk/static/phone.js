// On the device's own screen: a QR code that takes a visitor's phone to the upload page. The pass in it changes, so it
// is fetched anew. It stands in a corner of the picture in which no face is, on an upright screen below the cards of
// several people, and large where there is room.
import { element } from "./faces.js";
import { t } from "./i18n.js";

const EVERY_MS = 60_000;
const UPRIGHT = matchMedia("(max-aspect-ratio: 1/1)");
const BELOW_REM = 8.7; // its height below the cards, and a gap
const CORNERS = ["bottom left", "top left", "top right"]; // buttons are in the fourth
const made = element("figure", "phone");
const code = new Image();
const words = element("figcaption");
const stage = document.querySelector(".stage");
const board = stage.parentElement;
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
  const below = seen && roomBelow();
  const home = !invitation.hidden ? invitation : seen && !below ? stage : board;
  if (made.parentElement !== home) home.append(made);
  made.classList.toggle("below", below);
  made.style.visibility = "";
  if (home !== stage) return;
  for (const corner of [made.dataset.corner, ...CORNERS]) {
    made.dataset.corner = corner;
    if (!covers()) return;
  }
  made.style.visibility = "hidden";
}

/** Whether there are cards of several people, and room between the last of them and the lower edge. */
function roomBelow() {
  const cards = [...document.querySelectorAll(".people .card")];
  if (!UPRIGHT.matches || cards.length < 2) return false;
  const lowest = Math.max(...cards.map((card) => card.getBoundingClientRect().bottom));
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return board.getBoundingClientRect().bottom - lowest >= BELOW_REM * rem;
}

/** Whether a face, or what is said of it, lies under the code. */
function covers() {
  const mine = made.getBoundingClientRect();
  return [...document.querySelectorAll("#boxes :is(.box, .tag, .called)")].some((one) => {
    const its = one.getBoundingClientRect();
    return its.left < mine.right && its.right > mine.left && its.top < mine.bottom && its.bottom > mine.top;
  });
}
