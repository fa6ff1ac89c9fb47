// What is in the crossbars of each stage.

const SIDE = 56;
/** The most crossbars of a stage that are drawn; others are counted. */
const DRAWN = 8;

function drawCrossbars(run) {
  const { rows, columns, perCore, stages } = run.crossbars;
  const text = byId("crossbars-text");
  if (!stages.length) {
    const unknown = !rows || !columns;
    text.textContent = unknown
      ? `The description of '${run.hardware}' gives crossbars no size, so how full they are is unknown.`
      : "No stage has weights on crossbars.";
    return;
  }
  const size = `${count(rows)}\u2009×\u2009${count(columns)}`;
  const each = perCore ? ` A core has ${several(perCore, "crossbar")}.` : "";
  text.textContent =
    `The crossbars in use of one core of each stage.${each} A square is a crossbar of ${size} cells, with inputs from top ` +
    "to bottom; the filled part holds weights.";
  byId("crossbars-drawing").append(...stages.map((stage) => drawStage(stage, rows, columns)));
}

function drawStage({ stage, cores, tiles }, rows, columns) {
  const number = tiles.reduce((sum, tile) => sum + tile.count, 0);
  const perCrossbar = tiles.flatMap((tile) => Array(Math.min(tile.count, DRAWN)).fill(tile)).slice(0, DRAWN);
  const used = tiles.reduce((sum, tile) => sum + tile.count * tile.rows * tile.columns * tile.blocks, 0);
  const drawing = shape("svg", {
    width: perCrossbar.length * (SIDE + 6),
    height: SIDE + 2,
    role: "img",
    "aria-label": `${stage}: ${percent(used, number * rows * columns)} of the cells hold weights`,
  });
  perCrossbar.forEach((tile, k) => drawing.append(drawTile(tile, k, rows, columns)));
  const more = number > perCrossbar.length ? ` (${perCrossbar.length} drawn)` : "";
  const copies = cores > 1 ? ` × ${cores}` : "";
  return element(
    "figure",
    {},
    drawing,
    element("figcaption", { title: stage }, `${middleCut(stage, 24)}${copies}`),
    element("figcaption", {}, `${several(number, "crossbar")}${more}, ${percent(used, number * rows * columns)} full`),
  );
}

function drawTile(tile, k, rows, columns) {
  const [x, y] = [1 + k * (SIDE + 6), 1];
  const node = shape("g", {}, shape("rect", { class: "crossbar", x, y, width: SIDE, height: SIDE }));
  const [height, width] = [(SIDE * tile.rows) / rows, (SIDE * tile.columns) / columns];
  let path = "";
  for (let b = 0; b < tile.blocks; b++) path += `M${x + b * width} ${y + b * height}h${width}v${height}h${-width}z`;
  node.append(shape("path", { class: "weights", d: path }));
  const blocks = tile.blocks > 1 ? `${several(tile.blocks, "block")} of ` : "";
  return explain(node, [
    `${blocks}${several(tile.rows, "row")} × ${several(tile.columns, "column")}`,
    `${percent(tile.rows * tile.columns * tile.blocks, rows * columns)} of the cells`,
  ]);
}
