// The looks of every chart: figures carry role names instead of colours; the theme's variables fill them in.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

function colour(name, alpha) {
  probe.style.color = `var(--${name})`;
  const value = getComputedStyle(probe).color;
  return alpha === undefined ? value : value.replace(/^rgba?\(([\d.]+),? ([\d.]+),? ([\d.]+).*$/, `rgba($1,$2,$3,${alpha})`);
}

const PLAIN = { alloc: "chart-alloc", util: "chart-util", capacity: "chart-capacity", ready: "chart-capacity" };
// One line each: the date stands only where a tick is a day or more.
const TICKS = [
  { dtickrange: [null, 1000], value: "%H:%M:%S" },
  { dtickrange: [1000, 86399999], value: "%H:%M" },
  { dtickrange: [86400000, "M1"], value: "%-d %b" },
  { dtickrange: ["M1", null], value: "%b %Y" },
];
const nameOf = (role) => PLAIN[role] ?? (/^(cat-|u\d|ink)/.test(role) ? role : `${role}-fill`);

// A trace with its colours; `meta.role` names them. Lines 1.75 px, capacity thin and dashed, gaps stay gaps.
export function painted(trace) {
  const role = trace.meta?.role ?? "cat-1";
  const main = colour(nameOf(role));
  if (trace.type === "bar" || trace.type === "histogram") return { ...trace, marker: { ...trace.marker, color: main }, hoverlabel: undefined };
  if (trace.type === "heatmap") return { ...trace, colorscale: [0, 1, 2, 3, 4].map((step) => [step / 4, colour(`u${step}`)]), showscale: false };
  const thin = role === "capacity" || role === "ready";
  const line = { width: thin ? 1.25 : 1.75, ...(thin ? { dash: "4px,3px" } : {}), ...trace.line, color: main };
  const ground = trace.fill && trace.fill !== "none" ? { fillcolor: colour(nameOf(role), trace.stackgroup ? 0.55 : 0.13) } : {};
  return { mode: "lines", connectgaps: false, hovertemplate: "%{y:.4~r}", ...trace, line, ...ground };
}

export function template(layout) {
  const font = { family: "Inter Variable, Inter, sans-serif", size: 11, color: colour("chart-axis") };
  const label = { bgcolor: colour("raised"), bordercolor: colour("line-strong"), font: { ...font, size: 12, color: colour("ink") } };
  return {
    ...layout,
    template: undefined,
    font,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 34, r: 8, t: 8, b: 24, ...layout.margin },
    showlegend: false,
    hovermode: layout.hovermode ?? "x unified",
    hoverlabel: label,
    dragmode: "zoom",
    autosize: true,
    xaxis: { ...(layout.xaxis?.tickformat ? {} : { tickformatstops: TICKS }), showgrid: false, showline: true, linecolor: colour("line"), ticks: "", nticks: 9, showspikes: true, spikemode: "across", spikesnap: "cursor", spikedash: "solid", spikethickness: 1, spikecolor: colour("line-strong"), ...layout.xaxis, title: undefined },
    yaxis: { rangemode: "tozero", gridcolor: colour("chart-grid"), zeroline: false, ticks: "", fixedrange: true, ...layout.yaxis, title: undefined },
    shapes: (layout.shapes ?? []).map((shape) => ({ ...shape, line: { width: 1, dash: "2px,2px", ...shape.line, color: colour(nameOf(shape.role ?? "ink-3")) } })),
    annotations: (layout.annotations ?? []).map((note) => ({ ...note, font: { size: 11, color: colour("ink-3") } })),
  };
}

export function swatchOf(trace, role) {
  if (trace.type === "bar" || trace.type === "histogram" || trace.stackgroup) return "";
  if (role === "capacity" || role === "ready") return "dash";
  return trace.fill && trace.fill !== "none" ? "area" : "line";
}
