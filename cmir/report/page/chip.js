// The chip: places, the cores on them, and what links carry.

/** Width of a row or column of places, and of those in which there is no core. */
const CELL = 108;
const EMPTY = 22;

function drawChip(run) {
  const { chip } = run;
  const text = byId("chip-text");
  if (!chip) {
    text.textContent = `The machine '${run.hardware}' has no places: every core is one hop from every other.`;
    return;
  }
  const used = chip.places.filter((place) => place.cores.length).length;
  text.textContent =
    `Of ${chip.title}, ${several(used, "place")} ${used === 1 ? "has" : "have"} a core.` +
    (chip.links.length ? " The wider a link, the more bytes of an inference it carries; it is drawn on the right of its way." : "");
  const at = placesOf(chip);
  const [width, height] = [0, 1].map((d) => Math.max(...[...at.values()].map((p) => p[d] + p[d + 2] / 2)));
  const drawing = shape("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": "Places of the chip; a table has the most loaded links",
  });
  const box = (place) => at.get(place.join());
  const most = chip.links.length ? chip.links[0].bytes : 1;
  for (const [from, to] of chip.idle) {
    drawing.append(shape("path", { class: "link free", d: linkPath(box(from), box(to)) }));
  }
  for (const link of [...chip.links].reverse()) {
    const width = 1 + 7 * (link.bytes / most);
    const lines = [`(${link.from.join(", ")}) → (${link.to.join(", ")})`, `${count(link.bytes)} bytes an inference`];
    if (link.rate) lines.push(`${percent(link.bytes / link.rate, run.interval)} of what it can carry`);
    const path = { class: "link", d: linkPath(box(link.from), box(link.to)), "stroke-width": width };
    drawing.append(explain(shape("path", path), lines));
  }
  for (const place of chip.places) drawing.append(drawPlace(run, place, box(place.at)));
  byId("chip-drawing").append(drawing);
  if (chip.links.length) byId("chip-drawing").append(linksTable(run));
}

/**
 * Where places are drawn: [x, y, width, height] of their cells, x and y in the middle. Places of one or two coordinates
 * are where these say, in rows and columns that are narrow if they have no core; others are on a circle.
 */
function placesOf({ places }) {
  if (places[0].at.length > 2) {
    return new Map(
      places.map(({ at }, k) => {
        const angle = (2 * Math.PI * k) / places.length;
        const radius = (CELL * places.length) / 5;
        const [x, y] = [radius * (1 + Math.cos(angle)), radius * (1 + Math.sin(angle))];
        return [at.join(), [x + CELL / 2, y + CELL / 2, CELL, CELL]];
      }),
    );
  }
  const axes = [(at) => at.at(-1), (at) => (at.length > 1 ? at[0] : 0)];
  const spans = axes.map((coordinate) => {
    const used = new Set(places.filter((place) => place.cores.length).map((place) => coordinate(place.at)));
    const values = [...new Set(places.map((place) => coordinate(place.at)))].sort((a, b) => a - b);
    let end = 0;
    return new Map(
      values.map((value) => {
        const size = used.has(value) ? CELL : EMPTY;
        end += size;
        return [value, [end - size / 2, size]];
      }),
    );
  });
  return new Map(
    places.map(({ at }) => {
      const [[x, width], [y, height]] = spans.map((span, d) => span.get(axes[d](at)));
      return [at.join(), [x, y, width, height]];
    }),
  );
}

/** A line from place to place, on its right side; what goes over others is bent around them. */
function linkPath([x1, y1, w1, h1], [x2, y2, w2, h2]) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const side = Math.min(w1, h1, w2, h2) < CELL ? 2 : 7;
  const [ox, oy] = [-uy * side, ux * side];
  const near = Math.abs(ux) * (w1 + w2) + Math.abs(uy) * (h1 + h2);
  const bend = length > 0.51 * near ? 0.18 * length : 0;
  const [mx, my] = [(x1 + x2) / 2 + ox - uy * bend, (y1 + y2) / 2 + oy + ux * bend];
  return `M${x1 + ox} ${y1 + oy}Q${mx} ${my} ${x2 + ox} ${y2 + oy}`;
}

function drawPlace(run, place, [x, y, cellWidth, cellHeight]) {
  const cores = place.cores.map((name) => run.cores.find((each) => each.name === name));
  const side = Math.min(cellWidth, cellHeight);
  const [width, height] = cores.length ? [0.8 * cellWidth, 0.72 * cellHeight] : [0.6 * side, 0.6 * side];
  const corner = { x: x - width / 2, y: y - height / 2, width, height };
  const node = shape("g", {}, shape("rect", { class: cores.length ? "box core" : "box", rx: 4, ...corner }));
  if (!cores.length) return explain(node, [`(${place.at.join(", ")})`, "no core"]);
  const parts = cores.length > 1 ? severalNames(cores) : inLines(middleCut(cores[0].name, 40), 12).slice(0, 4);
  parts.forEach((part, k) => {
    const at = { x, y: y + 4 + 14 * (k - (parts.length - 1) / 2) };
    node.append(shape("text", { class: "on-core", "text-anchor": "middle", ...at }, part));
  });
  const names = cores.map(({ name, node: origin }) => (origin ? [name, `node ${origin}`] : [name]));
  const fires = cores.map((core) => `fires ${percent(core.busy, run.cycles)} of the time`);
  const where = `at (${place.at.join(", ")})`;
  if (cores.length === 1) return explain(node, [...names[0], where, fires[0]]);
  return explain(node, [`${several(cores.length, "program")} ${where}`, ...names.flatMap((name, k) => [...name, fires[k]])]);
}

/** Names of programs that share a core, a line for each, of the first ones. */
function severalNames(cores) {
  const names = cores.map((core) => middleCut(core.name, 12));
  return names.length > 4 ? [...names.slice(0, 3), `+ ${names.length - 3} more`] : names;
}

/** A name in lines of at most so many letters, broken after `_` and before `[` where that is possible. */
function inLines(name, most) {
  const lines = [""];
  for (const part of name.split(/(?<=_)|(?=\[)/).flatMap((word) => word.match(new RegExp(`.{1,${most}}`, "g")))) {
    if (lines.at(-1).length + part.length > most) lines.push("");
    lines[lines.length - 1] += part;
  }
  return lines.filter((line) => line);
}

function linksTable({ chip, interval }) {
  const rate = chip.links.every((link) => link.rate);
  const rows = chip.links.slice(0, 10).map((link) => [
    words(`(${link.from.join(", ")}) → (${link.to.join(", ")})`),
    number(count(link.bytes)),
    ...(rate ? [number(percent(link.bytes / link.rate, interval))] : []),
    bar([["even", link.bytes / chip.links[0].bytes]]),
  ]);
  const heads = [words("most loaded links"), number("bytes an inference"), ...(rate ? [number("of what it can carry")] : [])];
  return table([...heads, words("")], rows);
}
