// Scan: the browser's own barcode reader where it has one; a hand scanner types into the field like a keyboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-camera]");
  if (!button) return;
  const form = button.closest("form");
  const video = form.querySelector("video");
  const reader = new BarcodeDetector();
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch { form.querySelector("input").focus(); return; }
  video.hidden = false;
  button.hidden = true;
  await video.play();
  const look = async () => {
    if (!video.isConnected) return;
    const [found] = await reader.detect(video).catch(() => []);
    if (!found) { setTimeout(look, 120); return; }
    navigator.vibrate?.(60);
    video.srcObject.getTracks().forEach((track) => track.stop());
    form.querySelector("input").value = found.rawValue;
    form.requestSubmit();
  };
  look();
});
if ("BarcodeDetector" in window && navigator.mediaDevices) document.querySelectorAll("[data-camera]").forEach((b) => { b.hidden = false; });
document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
