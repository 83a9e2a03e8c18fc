// The picture itself. No song's text reaches Plotly, which would read it as HTML in part.
// Above this many dots WebGL draws them, where the browser has it: SVG takes seconds.
const MOST_SVG_DOTS = 1500;

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

// A ring around the chosen song, where the representation has it.
function ring() {
  const dot = state.layout.dotOf.get(state.song);
  if (dot === undefined) return [];
  const [x, y] = state.layout.xy[state.method];
  const radius = markerSize(x.length) + 5;
  const circle = {
    type: "circle", xsizemode: "pixel", ysizemode: "pixel", xanchor: x[dot], yanchor: y[dot],
    x0: -radius, x1: radius, y0: -radius, y1: radius,
  };
  // A rim of the page's colour keeps it apart from the dots around it.
  return [["page", 9], ["text", 3]].map(([name, width]) =>
    ({ ...circle, line: { color: themeColour(name), width } }));
}

function chartLayout() {
  const [x, y] = state.layout.xy[state.method];
  return {
    paper_bgcolor: themeColour("page"),
    plot_bgcolor: themeColour("page"),
    margin: { l: 0, r: 0, t: 0, b: 0 },
    showlegend: false,
    hovermode: "closest",
    dragmode: state.mode,
    // A flat box is a flat box, not a band across the whole map.
    selectdirection: "d",
    // Zooms and pans stay as they are until another picture is shown.
    uirevision: `${state.number} ${state.method} ${state.views}`,
    shapes: ring(),
    xaxis: { visible: false, range: padded(x) },
    yaxis: { visible: false, range: padded(y) },
    newselection: { line: { color: themeColour("accent"), width: 2 } },
  };
}

function padded(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = 0.04 * (high - low) || 1;
  return [low - margin, high + margin];
}

// Two quick clicks are on two songs, more often than not: a button shows the whole map again.
const CONFIG = { displayModeBar: false, scrollZoom: true, doubleClick: false };

async function draw() {
  const chart = element("chart");
  element("loading")?.remove();
  await silently(() => Plotly.react(chart, [dotsTrace()], chartLayout(), CONFIG));
}

// Does what Plotly would report as if a reader had done it.
async function silently(change) {
  state.changing += 1;
  try {
    await change();
  } finally {
    state.changing -= 1;
  }
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
  facts.push(...factsOf(song, false).map(([name, text]) => `${name}: ${text}`));
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
  // Its height changes with the legend's too. Drawing again ends a hover, so only if it must be.
  new ResizeObserver(() => {
    const { width, height } = chart._fullLayout;
    const isOther = Math.abs(chart.clientWidth - width) + Math.abs(chart.clientHeight - height) > 1;
    if (isOther) silently(() => Plotly.Plots.resize(chart));
  }).observe(chart);
  chart.on("plotly_hover", ({ points: [point], event }) => showTip(point.pointIndex, event));
  chart.on("plotly_unhover", () => { element("tip").hidden = true; });
  chart.on("plotly_click", ({ points: [point] }) => {
    choose(state.layout.songs[point.pointIndex]);
    // On a phone the panel is below the map.
    element("song").scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  chart.on("plotly_selected", (event) => {
    // Without an event, a selection is gone.
    if (!event || state.changing) return;
    const dots = event.points.map((point) => point.pointIndex);
    // Plotly keeps the outline only once this has returned, and then it has served.
    setTimeout(async () => {
      await silently(() => Plotly.relayout(chart, { selections: [] }));
      await focusOn(dots);
    }, 0);
  });
}
