// Scan: the reader of barcodes comes only when somebody presses its button; a hand scanner types into the field like a keyboard.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-camera]");
  if (button) import("./camera.js").then((camera) => camera.press(button));
  if (event.target.closest("button[data-print]")) window.print();
});
