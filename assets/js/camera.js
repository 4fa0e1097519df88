// The camera reads barcodes into the field of the button's form, and sends it: once, or (data-camera="many") one after another until it is closed.
// By the browser's own reader where it knows what goods wear, else by zxing in a worker, which is loaded then and leaves the page its strict policy.
import { say } from "./keys.js";

const WANTED = ["ean_13", "ean_8", "upc_a", "upc_e", "code_128", "itf", "qr_code", "data_matrix"];
/** milliseconds: between two looks; how long a code must be out of sight to count again; how long the frame is green */
const PAUSE = 60, AGAIN = 1500, GREEN = 400;
/** pixels of the longer side that are read: enough for a label, little for a phone */
const SIDE = 1280;
let open = null;

export async function press(button) {
  const same = open?.button === button;
  close();
  if (same) return;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: SIDE } } });
  } catch (error) { // without HTTPS there are no mediaDevices at all
    say(error.name === "NotAllowedError" ? button.dataset.wordsDenied : button.dataset.wordsNone, "c-wrong");
    field(button).focus();
    return;
  }
  const video = Object.assign(document.createElement("video"), { className: "w-100 rounded border border-3", playsInline: true, muted: true, srcObject: stream });
  const mine = open = { button, video, stream, sound: new AudioContext() };
  button.setAttribute("aria-pressed", "true");
  (button.closest("[data-scan]") ?? button.form).append(video);
  await video.play();
  const read = await reader(mine, button.dataset.decoder);
  let last = "", seen = 0;
  while (open === mine && video.isConnected) {
    const found = await read(video), now = performance.now();
    if (open !== mine) return;
    if (found && (found !== last || now - seen > AGAIN)) got(mine, found);
    if (found) { last = found; seen = now; }
    await new Promise((resume) => { setTimeout(resume, PAUSE); });
  }
  if (open === mine) close();
}

const field = (button) => [...button.form.elements].find((one) => one.matches("input:not([type=hidden])"));

function got({ button, video, sound }, code) {
  navigator.vibrate?.(60);
  const tone = sound.createOscillator();
  tone.frequency.value = 1320;
  tone.connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.08);
  video.classList.add("border-success");
  setTimeout(() => video.classList.remove("border-success"), GREEN);
  field(button).value = code;
  if (button.dataset.camera !== "many") close();
  button.form.requestSubmit();
}

// Answers with a function: what a picture of the camera says, "" for nothing.
async function reader(mine, url) {
  const known = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
  if (["ean_13", "code_128", "qr_code"].every((one) => known.includes(one))) {
    const own = new BarcodeDetector({ formats: WANTED.filter((one) => known.includes(one)) });
    return async (video) => (await own.detect(video).catch(() => []))[0]?.rawValue ?? "";
  }
  const worker = mine.worker = new Worker(url), canvas = document.createElement("canvas"), paper = canvas.getContext("2d", { willReadFrequently: true });
  worker.onerror = () => { say(mine.button.dataset.wordsNone, "c-wrong"); close(); };
  return (video) => new Promise((answer) => {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    canvas.width = Math.max(1, video.videoWidth * scale);
    canvas.height = Math.max(1, video.videoHeight * scale);
    paper.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = paper.getImageData(0, 0, canvas.width, canvas.height);
    worker.onmessage = (event) => answer(event.data);
    worker.postMessage(picture, [picture.data.buffer]);
  });
}

function close() {
  if (!open) return;
  const { button, video, stream, sound, worker } = open;
  open = null;
  stream.getTracks().forEach((track) => track.stop());
  setTimeout(() => sound.close(), 300); // the tone of the last code
  worker?.terminate();
  video.remove();
  button.removeAttribute("aria-pressed");
}
document.addEventListener("visibilitychange", () => { if (document.hidden) close(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
