// The network as boxes and lines; where they are was worked out when the page was made.

const BOX = { width: 132, height: 40 };

function drawGraph(run) {
  const { graph } = run;
  const drawing = shape("svg", {
    viewBox: `0 0 ${graph.width} ${graph.height}`,
    width: graph.width,
    role: "img",
    "aria-label": `${several(graph.boxes.length, "box")} and ${several(graph.lines.length, "line")} between them`,
  });
  for (const line of graph.lines) {
    const lines = [`${line.from} → ${line.to}`, ...line.arrays];
    drawing.append(explain(shape("path", { class: "wire", d: rounded(line.path, 5) }), lines));
    const [x, y] = line.path.at(-1);
    drawing.append(shape("path", { class: "arrow", d: `M${x} ${y}l-7 -3.5v7z` }));
  }
  for (const box of graph.boxes) drawing.append(drawBox(run, box));
  byId("graph").append(drawing);
}

function drawBox(run, { name, label, kind, node: origin, cores, at: [x, y] }) {
  const own = run.cores.filter((core) => core.stage === name);
  const isEnd = kind === "input" || kind === "output";
  const details = isEnd ? kind : kind === "gcu" ? "control unit" : several(cores, "core");
  const fired = own.reduce((sum, core) => sum + core.busy, 0) / (own.length * run.cycles);
  const lines = isEnd ? [label, kind] : [name, details, ...places(own), `fires ${percent(fired, 1)} of the time`];
  if (origin) lines.splice(1, 0, `node ${origin}`);
  const size = { x, y, width: BOX.width, height: BOX.height };
  const node = shape(
    "g",
    {},
    shape("rect", { class: isEnd ? "box end" : "box", rx: 5, ...size }),
    shape("text", { x: x + 8, y: y + 17 }, middleCut(label, 18)),
    shape("text", { class: "soft", x: x + 8, y: y + 32 }, isEnd ? kind : `${details}, ${percent(fired, 1)}`),
  );
  return explain(node, lines);
}

/** Where cores are, of the first ones. */
function places(cores) {
  const known = cores.filter((core) => core.place).map((core) => `(${core.place.join(", ")})`);
  if (!known.length) return [];
  return [`at ${known.slice(0, 6).join(", ")}${known.length > 6 ? ", …" : ""}`];
}

/** A path along corners, which are rounded. */
function rounded(points, radius) {
  let path = `M${points[0].join(" ")}`;
  if (points.length === 2) {
    const [[x1, y1], [x2, y2]] = points;
    const middle = (x1 + x2) / 2;
    return `${path}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
  }
  for (let k = 1; k < points.length - 1; k++) {
    const [before, corner, after] = [points[k - 1], points[k], points[k + 1]];
    const towards = (other) => {
      const length = Math.hypot(other[0] - corner[0], other[1] - corner[1]);
      const share = length ? Math.min(radius, length / 2) / length : 0;
      return [0, 1].map((d) => corner[d] + share * (other[d] - corner[d]));
    };
    path += `L${towards(before).join(" ")}Q${corner.join(" ")} ${towards(after).join(" ")}`;
  }
  return `${path}L${points.at(-1).join(" ")}`;
}
