// The picture itself. No song's text reaches Plotly, which would read it as HTML in part.
// Above this many dots WebGL draws them, where the browser has it: SVG takes seconds.
const MOST_SVG_DOTS = 1500;
const NARROW = 52 * 16;

function hasWebgl() {
  return Boolean(document.createElement("canvas").getContext("webgl"));
}

const webgl = hasWebgl();

function markerSize(nDots) {
  return Math.max(5, Math.min(10, 14 - 2 * Math.log10(nDots + 1)));
}

function dotsTrace() {
  const [x, y] = state.layout.xy[state.method];
  const { colours, shapes } = state.colouring;
  const n = x.length;
  const isMany = n > MOST_SVG_DOTS;
  return {
    type: isMany && webgl ? "scattergl" : "scatter",
    mode: "markers",
    x,
    y,
    hoverinfo: "none",
    marker: {
      color: colours,
      symbol: shapes,
      size: markerSize(n),
      opacity: 0.9,
      line: { width: isMany ? 0.3 : 0.6, color: themeColour("outline") },
    },
    selectedpoints: state.focus ? [...state.focus] : null,
    selected: { marker: { opacity: 1 } },
    unselected: { marker: { opacity: 0.1 } },
  };
}

// A ring around the chosen song, drawn last.
function ringTrace() {
  const dot = state.layout.dotOf.get(state.song);
  const [x, y] = state.layout.xy[state.method];
  const isShown = dot !== undefined;
  return {
    type: "scatter",
    mode: "markers",
    x: isShown ? [x[dot]] : [],
    y: isShown ? [y[dot]] : [],
    hoverinfo: "skip",
    marker: {
      symbol: "circle-open", size: 2 * markerSize(x.length) + 4, opacity: 1,
      color: themeColour("text"), line: { width: 2.5, color: themeColour("text") },
    },
    selected: { marker: { opacity: 1 } },
    unselected: { marker: { opacity: 1 } },
  };
}

function chartLayout() {
  const [x, y] = state.layout.xy[state.method];
  const accent = themeColour("accent");
  return {
    paper_bgcolor: themeColour("page"),
    plot_bgcolor: themeColour("page"),
    margin: { l: 0, r: 0, t: 0, b: 0 },
    showlegend: false,
    hovermode: "closest",
    dragmode: state.mode,
    // Zooms and pans stay as they are until another picture is shown.
    uirevision: `${state.number} ${state.method} ${state.views}`,
    // A box or a lasso goes when something else is in focus.
    selectionrevision: state.selections,
    xaxis: { visible: false, range: padded(x) },
    yaxis: { visible: false, range: padded(y) },
    newselection: { line: { color: accent, width: 2 } },
    activeselection: { fillcolor: accent, opacity: 0.1 },
  };
}

function padded(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = 0.04 * (high - low) || 1;
  return [low - margin, high + margin];
}

const CONFIG = { displayModeBar: false, scrollZoom: true, doubleClick: "reset", responsive: true };

async function draw() {
  const chart = element("chart");
  element("loading")?.remove();
  await Plotly.react(chart, [dotsTrace(), ringTrace()], chartLayout(), CONFIG);
}

function zoom(factor) {
  const { xaxis, yaxis } = element("chart")._fullLayout;
  const ranges = [xaxis, yaxis].map(({ range: [low, high] }) => {
    const half = ((high - low) / 2) * factor;
    return [(low + high) / 2 - half, (low + high) / 2 + half];
  });
  return Plotly.relayout(element("chart"), { "xaxis.range": ranges[0], "yaxis.range": ranges[1] });
}

function showTip(dot, event) {
  const tip = element("tip");
  const song = state.layout.songs[dot];
  tip.replaceChildren(node("strong", titleOf(song)));
  const artist = artistOf(song);
  if (artist !== null) tip.append(node("p", artist));
  const facts = [`cluster ${state.layout.clusters[dot]}`];
  facts.push(...factsOf(song).map(([name, text]) => `${name}: ${text}`));
  tip.append(node("p", facts.join(" · "), "quiet"));
  if (data.lines[song] !== null) tip.append(node("p", data.lines[song], "line"));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, window.innerWidth - width - 8);
  const isBelow = event.clientY + 18 + height < window.innerHeight;
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${isBelow ? event.clientY + 18 : Math.max(event.clientY - height - 12, 8)}px`;
}

function listenToChart() {
  const chart = element("chart");
  const dotOf = ({ points }) => points.find((point) => point.curveNumber === 0)?.pointIndex;
  chart.on("plotly_hover", (event) => {
    const dot = dotOf(event);
    if (dot !== undefined) showTip(dot, event.event);
  });
  chart.on("plotly_unhover", () => { element("tip").hidden = true; });
  chart.on("plotly_click", (event) => {
    const dot = dotOf(event);
    if (dot !== undefined) choose(state.layout.songs[dot]);
  });
  chart.on("plotly_selected", (event) => {
    // Plotly reports without an event that a selection is gone.
    if (!event) return;
    const dots = event.points.filter((point) => point.curveNumber === 0);
    focusOn(dots.map((point) => point.pointIndex));
  });
}
