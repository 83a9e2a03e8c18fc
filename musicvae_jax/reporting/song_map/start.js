// What is shown, and what the controls change.
const METHOD_NAMES = { umap: "UMAP", tsne: "t-SNE" };
const state = {
  number: 0, layout: null, method: data.methods[0], colour: "cluster", colouring: null,
  mode: "pan", song: null, focus: null, pressed: new Set(), views: 0, changing: 0,
};

function option(value, text) {
  const made = node("option", text);
  made.value = value;
  return made;
}

function fillControls() {
  element("layout").append(...data.layouts.map((name, number) => option(number, name)));
  element("layout-label").hidden = data.layouts.length < 2;
  for (const method of data.methods) {
    const label = node("label");
    const input = node("input");
    Object.assign(input, { type: "radio", name: "method", value: method });
    input.checked = method === state.method;
    label.append(input, METHOD_NAMES[method]);
    element("method").append(label);
  }
  const hasAny = (label) => (label.numbers ?? label.codes).some((one) => one !== null && one !== -1);
  const options = data.labels.filter(hasAny).map((label) => option(label.key, spaced(label.name)));
  element("colour").append(option("cluster", "cluster"), ...options);
  element("notes").append(...data.notes.map((note) => node("li", note)));
}

async function showLayout(number) {
  const songs = state.focus && new Set(state.focus.map((dot) => state.layout.songs[dot]));
  state.number = number;
  state.layout = await layoutOf(number);
  // The same songs stay in focus, those of them that this representation has.
  state.focus = songs && [...songs].map((song) => state.layout.dotOf.get(song))
    .filter((dot) => dot !== undefined);
  return recolour();
}

async function recolour() {
  state.colouring = colouring(state.layout, state.colour);
  showLegend();
  showList();
  await draw();
}

function listenToControls() {
  element("controls").addEventListener("submit", (event) => event.preventDefault());
  element("layout").addEventListener("change", async (event) => {
    state.pressed.clear();
    await showLayout(Number(event.target.value));
    showAbout();
  });
  element("method").addEventListener("change", (event) => {
    state.method = event.target.value;
    return draw();
  });
  element("colour").addEventListener("change", (event) => {
    state.colour = event.target.value;
    state.pressed.clear();
    return recolour();
  });
  element("mode").addEventListener("change", (event) => {
    state.mode = event.target.value;
    return draw();
  });
  element("closer").addEventListener("click", () => zoom(1 / 1.5));
  element("farther").addEventListener("click", () => zoom(1.5));
  element("whole").addEventListener("click", () => {
    state.views += 1;
    return draw();
  });
  element("search").addEventListener("input", search);
  element("clear").addEventListener("click", () => focusOn(null, "clear"));
  element("save").addEventListener("click", save);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
}

// Says why there is no map, without the controls that would do nothing.
function giveUp(reason) {
  element("loading").textContent = reason;
  for (const id of ["controls", "side"]) element(id).hidden = true;
}

async function start() {
  fillControls();
  if (typeof DecompressionStream === "undefined") {
    return giveUp("The map needs a browser of 2023 or later.");
  }
  if (!data.layouts.length) return giveUp("There is no projection of these songs.");
  // Lets the page be painted before the work begins.
  await new Promise((resolve) => { setTimeout(resolve, 0); });
  await Promise.all([loadPlotly(), loadPictures()]);
  listenToControls();
  await showLayout(0);
  listenToChart();
  // Until it is on the screen.
  await new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); });
  performance.mark("drawn");
  document.documentElement.dataset.ready = "true";
}

start();
