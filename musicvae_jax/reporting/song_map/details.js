// The chosen song: what is known of it, its audio, its mel spectrogram, its neighbours.
function choose(song) {
  state.song = song;
  const panel = element("song");
  panel.replaceChildren(node("h2", titleOf(song)));
  const artist = artistOf(song);
  if (artist !== null) panel.append(node("p", artist));
  if (data.lines[song] !== null) panel.append(node("p", data.lines[song], "line"));
  panel.append(player(song));
  const picture = melPicture(song);
  if (picture) panel.append(picture);
  const about = node("div");
  about.id = "about";
  panel.append(about);
  showAbout();
  return draw();
}

// What depends on the representation.
function showAbout() {
  if (state.song === null) return;
  const dot = state.layout.dotOf.get(state.song);
  const cluster = dot === undefined ? [] : [["cluster", String(state.layout.clusters[dot])]];
  const about = [factList([...cluster, ...factsOf(state.song, false)]), ...neighbours(state.song)];
  const factors = factsOf(state.song, true);
  if (factors.length) {
    const more = node("details");
    more.append(node("summary", "Factors"), factList(factors));
    about.push(more);
  }
  element("about").replaceChildren(...about);
  markCurrent();
}

function factList(facts) {
  const list = node("dl");
  for (const [name, text] of facts) list.append(node("dt", name), node("dd", text));
  return list;
}

function player(song) {
  const url = data.audio?.[song] ?? null;
  if (url === null) return node("p", "No audio file.", "quiet");
  const audio = node("audio");
  audio.controls = true;
  audio.src = url;
  audio.addEventListener("error", () => audio.replaceWith(cannotPlay(url)));
  // A browser may want another click first; its own button then starts the song.
  audio.play().catch(() => {});
  return audio;
}

function cannotPlay(url) {
  const where = url.startsWith("data:") ? "the copy in this page" : decodeURIComponent(url);
  return node("p", `Cannot be played: ${where} is missing, or of a kind that this browser lacks.`, "quiet");
}

function melPicture(song) {
  const number = data.pictures[song];
  if (number < 0 || !pictures) return null;
  const [nBands, nColumns] = data.pictureShape;
  const canvas = node("canvas");
  canvas.width = nColumns;
  canvas.height = nBands;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Mel spectrogram: time from left to right, low bands below");
  const context = canvas.getContext("2d");
  const image = context.createImageData(nColumns, nBands);
  for (let band = 0; band < nBands; band += 1) {
    for (let column = 0; column < nColumns; column += 1) {
      const level = pictures[(number * nBands + band) * nColumns + column];
      const at = 4 * ((nBands - 1 - band) * nColumns + column);
      image.data.set([...SCALE_BYTES[level], 255], at);
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

const SCALE_BYTES = Array.from({ length: 256 }, (_, level) =>
  scaleColour(level / 255).match(/\d+/g).map(Number));

function neighbours(song) {
  const dot = state.layout.dotOf.get(song);
  if (dot === undefined) {
    return [node("p", "This representation lacks the song.", "quiet")];
  }
  const { perSong } = state.layout;
  const list = node("ol");
  list.id = "neighbours";
  for (let place = dot * perSong; place < (dot + 1) * perSong; place += 1) {
    const other = state.layout.neighbours[place];
    if (other >= 0) list.append(songItem(other, `distance ${state.layout.distances[place]}`));
  }
  return [node("h3", `Nearest in ${data.layouts[state.number]}`), list];
}

// A song as a button in a list.
function songItem(song, beside) {
  const item = node("li");
  const button = node("button", titleOf(song));
  button.type = "button";
  button.dataset.song = song;
  const about = [artistOf(song), beside].filter((text) => text !== null && text !== undefined);
  button.append(node("span", about.join(" · "), "quiet"));
  button.addEventListener("click", () => choose(song));
  item.append(button);
  return item;
}

function markCurrent() {
  for (const button of document.querySelectorAll("ol button")) {
    button.setAttribute("aria-current", String(Number(button.dataset.song) === state.song));
  }
}
