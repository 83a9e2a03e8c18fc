// Which colour and shape a song's dot has. Colours carry the first seven classes; shapes, in which
// colour-blind readers see the difference too, carry the others.
const N_COLOURS = 7;
// Plotly's names, and the same shapes for the legend, in a square from -1 to 1.
const SHAPES = [
  ["circle", "M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z"],
  ["triangle-up", "M0,-1L1,0.8L-1,0.8Z"],
  ["square", "M-0.85,-0.85H0.85V0.85H-0.85Z"],
  ["diamond", "M0,-1.1L1.1,0L0,1.1L-1.1,0Z"],
  ["triangle-down", "M0,1L1,-0.8L-1,-0.8Z"],
  ["cross", "M-0.4,-1H0.4V-0.4H1V0.4H0.4V1H-0.4V0.4H-1V-0.4H-0.4Z"],
  ["x", "M0,-0.5L0.6,-1L1,-0.6L0.5,0L1,0.6L0.6,1L0,0.5L-0.6,1L-1,0.6L-0.5,0L-1,-0.6L-0.6,-1Z"],
  ["star", "M0,-1.1L0.3,-0.35L1.1,-0.3L0.45,0.2L0.7,1L0,0.55L-0.7,1L-0.45,0.2L-1.1,-0.3L-0.3,-0.35Z"],
];
const OPEN = ["circle", "triangle-up", "square", "diamond", "triangle-down", "star"];
const N_SHAPES = SHAPES.length + OPEN.length;
const MOST_CLASSES = N_COLOURS * N_SHAPES;
// Viridis, which is perceptually uniform; matplotlib's values at nine even steps.
const SCALE = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962",
  "#addc30", "#fde725"];

function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function shapeOf(place) {
  const number = Math.floor(place / N_COLOURS);
  if (number < SHAPES.length) return { name: SHAPES[number][0], path: SHAPES[number][1], open: false };
  const name = OPEN[number - SHAPES.length];
  return { name: `${name}-open`, path: SHAPES.find((one) => one[0] === name)[1], open: true };
}

// Classes of the dots by one label: {name, dots, colour, shape}, the largest first (clusters by
// number), then those without a colour of their own, then the unknown.
function classesOf(codes, names, byNumber) {
  const dots = names.map(() => []);
  const unknown = [];
  codes.forEach((code, dot) => (code < 0 ? unknown : dots[code]).push(dot));
  const found = names.map((name, code) => ({ name, dots: dots[code] }))
    .filter((one) => one.dots.length);
  if (!byNumber) found.sort((a, b) => b.dots.length - a.dots.length || compareNames(a.name, b.name));
  const own = found.length <= MOST_CLASSES ? found : found.slice(0, MOST_CLASSES - 1);
  const classes = own.map((one, place) =>
    ({ ...one, colour: themeColour(`c${place % N_COLOURS}`), shape: shapeOf(place) }));
  const grey = { colour: themeColour("unknown"), shape: shapeOf(0) };
  const rest = found.slice(own.length);
  if (rest.length) {
    const name = `${rest.length} others`;
    classes.push({ name, dots: rest.flatMap((one) => one.dots), ...grey });
  }
  if (unknown.length) classes.push({ name: "unknown", dots: unknown, ...grey });
  return classes;
}

function compareNames(a, b) {
  return a.localeCompare(b, undefined, { numeric: true });
}

// How to colour a layout: classes, or numbers on a scale; and each dot's colour and shape.
function colouring(layout, key) {
  const n = layout.songs.length;
  const label = key === "cluster" ? null : labelOf(key);
  if (label?.numbers) return onScale(layout.songs.map((song) => label.numbers[song]));
  const codes = label ? layout.songs.map((song) => label.codes[song]) : layout.clusters;
  const nClusters = Math.max(...layout.clusters) + 1;
  const names = label ? label.categories
    : Array.from({ length: nClusters }, (_, number) => `cluster ${number}`);
  const classes = classesOf(codes, names, !label);
  const colours = new Array(n);
  const shapes = new Array(n);
  for (const one of classes) {
    for (const dot of one.dots) {
      colours[dot] = one.colour;
      shapes[dot] = one.shape.name;
    }
  }
  return { classes, colours, shapes };
}

function onScale(numbers) {
  const known = numbers.filter((number) => number !== null);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  const grey = themeColour("unknown");
  const colours = numbers.map((number) =>
    number === null ? grey : scaleColour(high > low ? (number - low) / (high - low) : 0.5));
  const nUnknown = numbers.length - known.length;
  return { scale: { low, high, nUnknown }, colours, shapes: numbers.map(() => "circle") };
}

// The colour at a share of the scale, between its steps by their red, green and blue.
function scaleColour(share) {
  const place = Math.min(share * (SCALE.length - 1), SCALE.length - 1 - 1e-9);
  const first = Math.floor(place);
  const parts = [1, 3, 5].map((at) => {
    const [a, b] = [SCALE[first], SCALE[first + 1]].map((one) => parseInt(one.slice(at, at + 2), 16));
    return Math.round(a + (b - a) * (place - first));
  });
  return `rgb(${parts.join(",")})`;
}
