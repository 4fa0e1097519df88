// Builds the browser's files into build/static: app.js, decode.js, app.css, light.css, icons.svg, and every picture of assets/.
// Hashing and compression are left to Django's manifest storage. Run by bootstrap.py; by hand: npm run build.
// Style sheets are imported in assets/css/ only: one imported by a script would want the name app.css too.
import { build } from "esbuild";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const assets = dirname(fileURLToPath(import.meta.url));
const root = dirname(assets);
const target = join(root, "build", "static");
const fresh = `${target}.${process.pid}`; // built aside, then renamed: a killed build leaves nothing half done

const common = {
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "linked", // the licences of what is bundled go along as *.LEGAL.txt
  target: ["es2020", "chrome100", "firefox100", "safari15"],
  loader: { ".svg": "dataurl", ".woff2": "file", ".woff": "file", ".ttf": "file", ".png": "file" },
  assetNames: "media/[name]-[hash]",
  logLevel: "warning",
  absWorkingDir: root,
};

async function scripts() {
  const app = join(assets, "js", "app.js");
  const entry = existsSync(app)
    ? { entryPoints: { app, theme: join(assets, "js", "theme.js") } }
    : { stdin: { contents: 'import "htmx.org";', resolveDir: assets, sourcefile: "app.js" } };
  // Parts loaded with import() become files of their own, which asks for <script type="module">.
  const options = { ...common, ...entry, format: "esm", splitting: !entry.stdin, chunkNames: "chunks/[name]-[hash]" };
  await build(entry.stdin ? { ...options, outfile: join(fresh, "app.js") } : { ...options, outdir: fresh });
}

// The decoder of barcodes runs in a worker, for which the page's content policy need not allow WebAssembly; loaded when a camera is opened.
async function decoder() {
  await build({ ...common, entryPoints: [join(assets, "js", "decode.js")], format: "iife", loader: { ".wasm": "file" }, outfile: join(fresh, "decode.js") });
}

async function styles() {
  const own = join(assets, "css", "qudao.css");
  const parts = ["@tabler/core/dist/css/tabler.min.css", ...(existsSync(own) ? ["./css/qudao.css"] : [])];
  const contents = parts.map((part) => `@import "${part}";`).join("\n");
  await build({ ...common, stdin: { contents, loader: "css", resolveDir: assets, sourcefile: "app.css" }, outfile: join(fresh, "app.css") });
  await build({ ...common, entryPoints: [join(assets, "css", "light.css")], outfile: join(fresh, "light.css") }); // pages opened from a mail load nothing else
}

async function icons() {
  const list = join(assets, "icons.txt");
  const names = existsSync(list)
    ? (await readFile(list, "utf8")).split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#"))
    : [];
  const symbols = [];
  const unknown = [];
  for (const name of [...new Set(names)].sort()) {
    const [icon, kind = "outline"] = name.split(":"); // "star:filled" takes the filled drawing
    const file = join(root, "node_modules", "@tabler", "icons", "icons", kind, `${icon}.svg`);
    if (!existsSync(file)) {
      unknown.push(name);
      continue;
    }
    const drawing = (await readFile(file, "utf8"))
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/^[\s\S]*?<svg[^>]*>/, "")
      .replace(/<\/svg>\s*$/, "")
      .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "")
      .replace(/\s*\n\s*/g, "");
    const paint =
      kind === "filled"
        ? 'fill="currentColor"'
        : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
    symbols.push(`<symbol id="i-${icon}${kind === "filled" ? "-filled" : ""}" viewBox="0 0 24 24" ${paint}>${drawing}</symbol>`);
  }
  if (unknown.length) throw new Error(`assets/icons.txt names icons that do not exist: ${unknown.join(", ")}`);
  await writeFile(join(fresh, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`);
}

async function pictures() {
  for (const name of await readdir(assets)) {
    if (/\.(svg|png|ico|webp|webmanifest)$/.test(name)) await cp(join(assets, name), join(fresh, name));
  }
  for (const folder of ["img", "fonts"]) {
    if (existsSync(join(assets, folder))) await cp(join(assets, folder), join(fresh, folder), { recursive: true });
  }
}

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });
try {
  await Promise.all([scripts(), decoder(), styles(), icons(), pictures()]);
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
} catch (error) {
  await rm(fresh, { recursive: true, force: true });
  console.error(`error: ${error.message}`);
  process.exit(1);
}
