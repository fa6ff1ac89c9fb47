// The chip: places, the cores on them, and what links carry.

const CELL = 100;

function drawChip(run) {
  const { chip } = run;
  const text = byId("chip-text");
  if (!chip) {
    text.textContent = `The machine '${run.hardware}' has no places: every core is one hop from every other.`;
    return;
  }
  const used = chip.places.filter((place) => place.core).length;
  text.textContent =
    `Of ${chip.title}, ${several(used, "place")} ${used === 1 ? "has" : "have"} a core.` +
    (chip.links.length ? " The wider a link, the more bytes of an inference it carries; it is drawn on the right of its way." : "");
  const at = placesOf(chip.places.map((place) => place.at));
  const [width, height] = [0, 1].map((d) => CELL * (1 + Math.max(...[...at.values()].map((p) => p[d]))));
  const drawing = shape("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width: Math.min(width, width > 10 * CELL ? 1180 : 580),
    role: "img",
    "aria-label": "Places of the chip; a table has the most loaded links",
  });
  const centre = (place) => at.get(place.join()).map((x) => x * CELL + CELL / 2);
  const most = chip.links.length ? chip.links[0].bytes : 1;
  for (const [from, to] of chip.idle) {
    drawing.append(shape("path", { class: "link free", d: linkPath(centre(from), centre(to)) }));
  }
  for (const link of [...chip.links].reverse()) {
    const width = 1 + 7 * (link.bytes / most);
    const lines = [`(${link.from.join(", ")}) → (${link.to.join(", ")})`, `${count(link.bytes)} bytes an inference`];
    if (link.rate && run.interval) lines.push(`${percent(link.bytes / link.rate, run.interval)} of what it can carry`);
    const path = { class: "link", d: linkPath(centre(link.from), centre(link.to)), "stroke-width": width };
    drawing.append(explain(shape("path", path), lines));
  }
  for (const place of chip.places) drawing.append(drawPlace(run, place, centre(place.at)));
  byId("chip-drawing").append(drawing);
  if (chip.links.length) byId("chip-drawing").append(linksTable(run));
}

/** Where places are drawn, in cells: as their coordinates say where there are one or two, else on a circle. */
function placesOf(places) {
  const flat = places[0].length <= 2;
  return new Map(
    places.map((place, k) => {
      if (flat) return [place.join(), [place.at(-1), place.length > 1 ? place[0] : 0]];
      const angle = (2 * Math.PI * k) / places.length;
      const radius = places.length / 5;
      return [place.join(), [radius * (1 + Math.cos(angle)), radius * (1 + Math.sin(angle))]];
    }),
  );
}

/** A line from place to place, on its right side; what goes over others is bent around them. */
function linkPath([x1, y1], [x2, y2]) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const side = 7;
  const [ox, oy] = [-uy * side, ux * side];
  const bend = length > CELL * 1.01 ? 0.18 * length : 0;
  const [mx, my] = [(x1 + x2) / 2 + ox - uy * bend, (y1 + y2) / 2 + oy + ux * bend];
  return `M${x1 + ox} ${y1 + oy}Q${mx} ${my} ${x2 + ox} ${y2 + oy}`;
}

function drawPlace(run, place, [x, y]) {
  const size = 68;
  const corner = { x: x - size / 2, y: y - size / 2, width: size, height: size };
  const core = place.core && run.cores.find((each) => each.name === place.core);
  const node = shape("g", {}, shape("rect", { class: core ? "box core" : "box", rx: 4, ...corner }));
  if (!core) return explain(node, [`(${place.at.join(", ")})`, "no core"]);
  const parts = inLines(core.name, 11).slice(0, 4);
  parts.forEach((part, k) => {
    const at = { x, y: y + 4 + 11 * (k - (parts.length - 1) / 2) };
    node.append(shape("text", { class: "on-core", "text-anchor": "middle", ...at }, part));
  });
  return explain(node, [core.name, `at (${place.at.join(", ")})`, `fires ${percent(core.busy, run.cycles)} of the time`]);
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
  const rate = interval && chip.links.every((link) => link.rate);
  const rows = chip.links.slice(0, 10).map((link) => [
    words(`(${link.from.join(", ")}) → (${link.to.join(", ")})`),
    number(count(link.bytes)),
    ...(rate ? [number(percent(link.bytes / link.rate, interval))] : []),
    bar([["even", link.bytes / chip.links[0].bytes]]),
  ]);
  const heads = [words("most loaded links"), number("bytes an inference"), ...(rate ? [number("of what it can carry")] : [])];
  return table([...heads, words("")], rows);
}
