// The page's data. Titles, lyrics and labels may be any text: they are only ever set as textContent.
const data = JSON.parse(document.getElementById("data").textContent);
const layouts = new Map();
let pictures = null;

const element = (id) => document.getElementById(id);

function bytesOf(id) {
  const text = atob(element(id).textContent);
  const bytes = new Uint8Array(text.length);
  // Ten times as fast as Uint8Array.from with a function.
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function unpacked(id) {
  const stream = new Blob([bytesOf(id)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("gzip")));
}

// A representation's dots, unpacked when it is first shown.
async function layoutOf(number) {
  if (!layouts.has(number)) {
    const layout = await unpacked(`layout-${number}`).json();
    layout.dotOf = new Map(layout.songs.map((song, dot) => [song, dot]));
    layouts.set(number, layout);
  }
  return layouts.get(number);
}

async function loadPictures() {
  if (data.pictureShape) pictures = new Uint8Array(await unpacked("pictures").arrayBuffer());
}

async function loadPlotly() {
  const script = document.createElement("script");
  script.textContent = await unpacked("plotly").text();
  document.head.append(script);
}

// The label of a song as text; null where it is unknown.
function labelText(label, song) {
  if (label.numbers) {
    const number = label.numbers[song];
    return number === null ? null : String(number);
  }
  const code = label.codes[song];
  return code < 0 ? null : label.categories[code];
}

function labelOf(key) {
  return data.labels.find((label) => label.key === key);
}

function titleOf(song) {
  return data.titles[song] ?? data.ids[song];
}

function artistOf(song) {
  return labelText(labelOf("artist"), song);
}

const detected = new Set(data.detected);

// What is known of a song, as [name, text]: its genre and language, or its factors.
function factsOf(song, areFactors) {
  const labels = data.labels.filter((one) => one.key !== "artist" && one.isFactor === areFactors);
  const facts = labels.map((label) => {
    const isDetected = label.key === "language" && detected.has(song);
    return [spaced(label.name), labelText(label, song), isDetected ? " (detected from the lyrics)" : ""];
  });
  return facts.filter(([, text]) => text !== null).map(([name, text, note]) => [name, text + note]);
}

function spaced(name) {
  return name.replaceAll("_", " ");
}

function node(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}
