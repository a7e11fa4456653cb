// The live picture. Each picture is drawn together with the faces of its own moment, so that boxes sit on them.
const KEPT = 40;
const WAIT_S = 0.6; // a picture is not held back longer for its result
const LASTS_S = 1; // so long after the newest result its faces are moved on
const AGAIN_MS = 2000;
const decoder = new TextDecoder("latin1");

/** Draws pictures into `canvas` and calls `place(faces)` with the faces of each; `follow`, `stop` and `take` run it. */
export function film(canvas, place) {
  const results = [];
  let pictures = [];
  let stopping = null;
  let waiting = null;
  let decoding = false;

  /** Shows the picture from now on, opened again when it ends. */
  function follow() {
    stopping ??= new AbortController();
    const { signal } = stopping;
    read(signal, keep)
      .catch(() => {})
      .then(() => {
        if (signal.aborted) return;
        canvas.hidden = true;
        setTimeout(() => signal.aborted || follow(), AGAIN_MS);
      });
  }

  function stop() {
    stopping?.abort();
    stopping = null;
    for (const { bitmap } of pictures) bitmap.close();
    pictures = [];
    canvas.hidden = true;
  }

  /** Takes a result: when its picture was captured, and its faces. */
  function take(captured, faces) {
    const last = results.at(-1);
    if (captured === null || (last && captured === last.captured)) return;
    if (last && captured < last.captured) results.length = 0;
    results.push({ captured, faces });
    if (results.length > KEPT) results.shift();
    show();
  }

  /** Decodes the newest picture; those that come meanwhile but the last are left out. */
  async function keep(picture) {
    waiting = picture;
    if (decoding) return;
    decoding = true;
    while (waiting) {
      const { jpeg, captured } = waiting;
      waiting = null;
      try {
        pictures.push({ captured, bitmap: await createImageBitmap(jpeg) });
      } catch {
        continue;
      }
      if (!stopping) stop();
      show();
    }
    decoding = false;
  }

  /** Draws the newest picture whose faces are known, or one that has waited long enough for them. */
  function show() {
    if (!pictures.length) return;
    const known = results.at(-1)?.captured ?? -Infinity;
    const due = Math.max(known, pictures.at(-1).captured - WAIT_S);
    let index = pictures.length - 1;
    while (index >= 0 && pictures[index].captured > due) index--;
    if (index < 0) return;
    for (const { bitmap } of pictures.splice(0, index)) bitmap.close();
    const { captured, bitmap } = pictures[0];
    if (canvas.shown === captured) return;
    canvas.shown = captured;
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    canvas.hidden = false;
    place(at(results, captured));
  }

  return { follow, stop, take };
}

/** The faces at a moment: of the result before it, moved towards or on from those around it. */
export function at(results, captured) {
  let index = results.length - 1;
  while (index > 0 && results[index].captured > captured) index--;
  const one = results[index];
  if (!one || captured - one.captured > LASTS_S) return [];
  const other = results[index + 1] ?? results[index - 1];
  if (!other || other.captured === one.captured) return one.faces;
  const part = (captured - one.captured) / (other.captured - one.captured);
  return one.faces.map((face) => {
    const same = other.faces.find(({ track }) => track === face.track);
    return same ? { ...face, box: face.box.map((value, side) => value + part * (same.box[side] - value)) } : face;
  });
}

/** Reads a multipart/x-mixed-replace answer: each part's picture, and when it was captured. */
async function read(signal, take) {
  const reply = await fetch("stream.mjpg", { signal });
  if (!reply.ok) return;
  const reader = reply.body.getReader();
  let held = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
    for (let found = part(held); found; found = part(held)) {
      take(found);
      held = held.subarray(found.end);
    }
  }
}

/** The first part of some bytes; null while it is not whole. */
function part(bytes) {
  const text = decoder.decode(bytes.subarray(0, 400));
  const body = text.indexOf("\r\n\r\n") + 4;
  if (body < 4) return null;
  const header = (name) => Number(text.slice(0, body).match(new RegExp(`^${name}: ([\\d.]+)`, "im"))?.[1]);
  const end = body + header("Content-Length") + 2;
  if (!(end <= bytes.length)) return null;
  return { jpeg: new Blob([bytes.slice(body, end - 2)], { type: "image/jpeg" }), captured: header("X-Captured"), end };
}
