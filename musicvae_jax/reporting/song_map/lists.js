// The songs in focus: found by a search, selected on the map, or of classes of the legend.
const MOST_LISTED = 200;

// Shows some dots and lists their songs; null shows all.
function focusOn(dots, from = "map") {
  state.focus = dots;
  if (from !== "search") element("search").value = "";
  if (from !== "legend") state.pressed.clear();
  showList();
  showLegend();
  return draw();
}

function showList() {
  element("list").hidden = state.focus === null;
  if (state.focus === null) return;
  const songs = state.focus.map((dot) => state.layout.songs[dot]);
  element("count").textContent = songs.length === 1 ? "1 song" : `${songs.length} songs`;
  const items = songs.slice(0, MOST_LISTED).map((song) => songItem(song));
  if (songs.length > MOST_LISTED) {
    items.push(node("li", `… and ${songs.length - MOST_LISTED} more, all of them in the .csv`, "quiet"));
  }
  element("found").replaceChildren(...items);
  element("save").disabled = songs.length === 0;
  markCurrent();
}

// Without case and accents.
function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

let searchTexts = null;

function search() {
  const wanted = folded(element("search").value.trim());
  if (!wanted) return focusOn(null, "search");
  searchTexts ??= data.ids.map((_, song) => folded(`${titleOf(song)}\n${artistOf(song) ?? ""}`));
  const dots = [...state.layout.songs.keys()];
  return focusOn(dots.filter((dot) => searchTexts[state.layout.songs[dot]].includes(wanted)), "search");
}

function showLegend() {
  const legend = element("legend");
  const { classes, scale } = state.colouring;
  legend.replaceChildren(classes ? classList(classes) : colourBar(scale));
}

function classList(classes) {
  const list = node("ul");
  classes.forEach((one, place) => {
    const button = node("button");
    button.type = "button";
    button.title = one.name;
    button.setAttribute("aria-pressed", String(state.pressed.has(place)));
    button.append(swatch(one), node("span", one.name, "name"), node("span", one.dots.length, "number"));
    button.addEventListener("click", () => press(place));
    const item = node("li");
    item.append(button);
    list.append(item);
  });
  return list;
}

function press(place) {
  if (!state.pressed.delete(place)) state.pressed.add(place);
  const dots = [...state.pressed].flatMap((one) => state.colouring.classes[one].dots);
  const scroll = element("legend").scrollTop;
  const drawn = focusOn(state.pressed.size ? dots.sort((a, b) => a - b) : null, "legend");
  element("legend").scrollTop = scroll;
  document.querySelectorAll("#legend button")[place].focus();
  return drawn;
}

function swatch({ colour, shape }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.5 -1.5 3 3");
  svg.setAttribute("width", "15");
  svg.setAttribute("height", "15");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", shape.path);
  path.setAttribute("fill", shape.open ? "none" : colour);
  path.setAttribute("stroke", shape.open ? colour : themeColour("outline"));
  path.setAttribute("stroke-width", shape.open ? "0.35" : "0.12");
  svg.append(path);
  return svg;
}

function colourBar({ low, high, nUnknown }) {
  const row = node("div", undefined, "scale");
  const bar = node("span", undefined, "bar");
  bar.style.background = `linear-gradient(to right, ${SCALE.join(",")})`;
  const ends = [low, high].map((end) => Number(end.toPrecision(4)));
  row.append(node("span", ends[0], "low"), bar, node("span", ends[1], "high"));
  if (nUnknown) {
    const none = node("span", undefined, "none");
    none.append(swatch({ colour: themeColour("unknown"), shape: shapeOf(0) }), `unknown: ${nUnknown}`);
    row.append(none);
  }
  return row;
}

// A cell as text in quotes. Spreadsheets run what begins like a formula, unless an apostrophe comes first.
function cell(value) {
  if (value === null || value === undefined) return "";
  const text = String(value);
  const isFormula = typeof value !== "number" && /^[=+\-@\t\r]/.test(text);
  return `"${isFormula ? "'" : ""}${text.replaceAll('"', '""')}"`;
}

function csv() {
  const names = data.labels.map((label) => label.key);
  const rows = [["music_id", "title", ...names, "cluster", "first_line"]];
  for (const dot of state.focus) {
    const song = state.layout.songs[dot];
    const labels = data.labels.map((label) =>
      (label.numbers ? label.numbers[song] : labelText(label, song)));
    rows.push([data.ids[song], data.titles[song], ...labels, state.layout.clusters[dot], data.lines[song]]);
  }
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function save() {
  // The mark tells spreadsheets that the text is UTF-8.
  const blob = new Blob(["\ufeff", csv()], { type: "text/csv;charset=utf-8" });
  const link = node("a");
  link.href = URL.createObjectURL(blob);
  link.download = "songs.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
