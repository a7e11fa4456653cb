// Makes a picture small before it leaves the browser: quicker, within every limit, and without what a camera wrote into
// the file, such as the place.
const LONGEST = 1600;

/** The picture upright as a JPEG of at most 1,600 pixels; the file itself where this browser cannot decode it. */
export async function shrunk(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92))) ?? file;
}
