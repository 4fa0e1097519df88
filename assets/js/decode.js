// A worker of its own: zxing as WebAssembly. Its file comes from here, never from the network of somebody else, which is the package's default.
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import program from "zxing-wasm/reader/zxing_reader.wasm";

prepareZXingModule({ overrides: { locateFile: () => new URL(program, self.location).href } });
const formats = ["EAN13", "EAN8", "UPCA", "UPCE", "Code128", "ITF", "QRCode", "DataMatrix"];

self.addEventListener("message", async ({ data }) => {
  const [found] = await readBarcodes(data, { formats, tryHarder: true, maxNumberOfSymbols: 1, textMode: "Plain" });
  self.postMessage(found?.isValid ? found.text : "");
});
