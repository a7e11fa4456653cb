// The last minute of one face: a lane for each emotion, drawn from right (now) to left.
import { t } from "./i18n.js";

export const SECONDS = 60;
const SVG = "http://www.w3.org/2000/svg";

export function timeline(labels) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "timeline");
  made.setAttribute("viewBox", `0 0 ${SECONDS} ${labels.length}`);
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("role", "img");
  const parts = [];

  /** Takes what the face shows at `now` (seconds). */
  function add(now, emotion, confident) {
    const lane = confident ? labels.indexOf(emotion) : -1;
    const last = parts.at(-1);
    if (last && last.lane === lane && now - last.to < 2) {
      last.to = now;
    } else {
      if (last && now - last.to < 2) last.to = now;
      parts.push({ lane, from: now, to: now, rect: rectangle(lane) });
    }
    while (parts.length && parts[0].to < now - SECONDS) parts.shift().rect.remove();
    for (const part of parts) {
      const x = Math.max(0, SECONDS - (now - part.from));
      part.rect.setAttribute("x", x.toFixed(2));
      part.rect.setAttribute("width", Math.max(0.3, SECONDS - (now - part.to) - x).toFixed(2));
    }
    describe(now);
  }

  function rectangle(lane) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("y", lane < 0 ? 0 : lane + 0.08);
    rect.setAttribute("height", lane < 0 ? labels.length : 0.84);
    rect.style.fill = lane < 0 ? "var(--line)" : `var(--${labels[lane]})`;
    if (lane < 0) rect.style.opacity = "0.45";
    made.append(rect);
    return rect;
  }

  function describe(now) {
    const spent = labels.map(() => 0);
    for (const part of parts) if (part.lane >= 0) spent[part.lane] += part.to - Math.max(part.from, now - SECONDS);
    const most = Math.max(...spent);
    const text = most > 0 ? t("mostly", { emotion: t(`emotion.${labels[spent.indexOf(most)]}`) }) : t("unsure");
    if (made.getAttribute("aria-label") !== text) made.setAttribute("aria-label", text);
  }

  return { made, add };
}
