// face-api.js under node, as one of the ways that benchmarks/_workers.py describes: same modes, same answers.
//
//     node benchmarks/face_api.mjs MODULES once PICTURE     # MODULES: the folder that holds node_modules
//     node benchmarks/face_api.mjs MODULES loop PICTURE...

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import path from "node:path";

const [modules, mode, ...pictures] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "package.json"));
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const sharp = require("sharp");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");

const folder = (name) => path.dirname(require.resolve(`${name}/package.json`));
const EMOTIONS = { angry: "Angry", happy: "Happy", neutral: "Neutral", sad: "Sad", surprised: "Surprise" };
const best = (expressions) => EMOTIONS[Object.keys(EMOTIONS).reduce((a, b) => (expressions[b] > expressions[a] ? b : a))];

async function begin() {
  sharp.concurrency(1);
  wasm.setWasmPaths(`${folder("@tensorflow/tfjs-backend-wasm")}/dist/`);
  wasm.setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  const weights = `${folder("@vladmandic/face-api")}/model`;
  await faceapi.nets.tinyFaceDetector.loadFromDisk(weights);
  await faceapi.nets.faceExpressionNet.loadFromDisk(weights);
  return new faceapi.TinyFaceDetectorOptions();
}

/** A picture's path to its largest face's box, or null, and the emotion read there or else in the whole picture. */
async function read(file, options) {
  const { data, info } = await sharp(file).removeAlpha().toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  const picture = tf.tensor3d(data, [info.height, info.width, info.channels], "int32");
  try {
    const found = await faceapi.detectAllFaces(picture, options).withFaceExpressions();
    if (!found.length) return [null, best(await faceapi.nets.faceExpressionNet.predictExpressions(picture))];
    const area = ({ detection: { box } }) => box.width * box.height;
    const { detection, expressions } = found.reduce((a, b) => (area(b) > area(a) ? b : a));
    const { x, y, width, height } = detection.box;
    return [[x, y, width, height].map(Math.round), best(expressions)];
  } finally {
    picture.dispose();
  }
}

const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;

const options = await begin();
if (mode === "once") {
  console.log(...(await read(pictures[0], options)));
} else {
  await read(pictures[0], options);
  console.log("ready");
  for await (const _ of createInterface({ input: process.stdin })) {
    const began = process.hrtime.bigint();
    const before = process.cpuUsage();
    const found = [];
    for (const file of pictures) found.push(await read(file, options));
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ seconds, cpu_seconds: (user + system) / 1e6, peak_rss_mb: peak(), found }));
  }
}
