// The page: all parts, from the figures that it carries.

const run = JSON.parse(byId("run").textContent);
const view = new View(run.cycles);

/** Number of the cores in use, without the control unit; programs can share one. */
const coresInUse = new Set(run.cores.filter((core) => core.place).map((core) => core.place.join())).size;

function drawSummary() {
  byId("machine").textContent = `On '${run.hardware}'${run.hardwareSummary ? `: ${run.hardwareSummary}` : ""}`;
  const figures = [
    ["inferences", count(run.inferences)],
    ["cycles", duration(run.cycles, run.clock)],
    ["latency of one inference", duration(run.latency, run.clock)],
    ["steady-state interval", duration(run.interval, run.clock)],
    ["inferences overlapping", count(run.overlap)],
    ["cores", count(coresInUse)],
    ["SRAM", `${count(run.cores.reduce((sum, core) => sum + core.sram, 0))} bytes`],
  ];
  byId("summary").append(
    ...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

/** Headlines; an unknown figure is said to be unknown, or a bound. */
function drawHeadlines() {
  const found = run.headlines;
  const bounded = (name) => {
    const bound = found[`${name}_at_most`];
    if (found[name] !== null) return rounded3(found[name]);
    return bound === null ? null : `≤ ${rounded3(bound)}`;
  };
  const rate = (value) => (value === null ? null : quantity(value, "/s"));
  const share = (value) => (value === null ? null : `${rounded3(100 * value)}\u2009%`);
  const figures = [
    ["throughput", found.inferences_per_second === null ? null : `${quantity(found.inferences_per_second, "")} inferences/s`],
    ["multiply-accumulates", rate(found.macs_per_second)],
    ["TOPS", found.tops === null ? null : rounded3(found.tops)],
    ["TOPS/W", bounded("tops_per_watt")],
    ["TOPS/mm²", bounded("tops_per_mm2")],
    ["crossbar cells used", share(found.crossbar_cells_used_share)],
    ["cells of the chip used", share(found.chip_cells_used_share)],
    ["crossbars at work", share(found.crossbars_busy_share)],
  ];
  const known = figures.filter(([, value]) => value !== null);
  const unknown = figures.filter(([, value]) => value === null).map(([name]) => name);
  byId("headlines").append(
    ...known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
  const lines = [`What binds: ${found.binds}.`];
  if (found.help.length) lines.push(`Would help, as tried: ${found.help.join(" or ")}.`);
  if (run.bits) lines.push(`${run.bits[0].toUpperCase()}${run.bits.slice(1)}.`);
  if (unknown.length) lines.push(`Unknown, for want of figures in the description: ${unknown.join(", ")}.`);
  byId("binds").append(...lines.flatMap((line) => [line, element("br")]).slice(0, -1));
}

function drawNotes() {
  byId("notes").hidden = !run.notes.length;
  byId("notes").querySelector("ul").append(...run.notes.map((note) => element("li", {}, note)));
}

function listenToButtons() {
  const actions = { in: () => view.zoom(1 / 2), out: () => view.zoom(2), all: () => view.show(0, run.cycles) };
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", actions[button.dataset.zoom]);
  }
}

offerThemes();
drawSummary();
drawHeadlines();
drawGraph(run);
const timelineRows = drawTimeline(run, view);
drawCores(run);
const bufferRows = drawBuffers(run, view);
drawCrossbars(run);
drawChip(run);
drawParts("energy-parts", "Energy of an inference", run.energy, (joules) => quantity(joules, "J"));
drawParts("area-parts", `Area of the ${several(coresInUse, "core")} in use`, run.area, (area) => `${rounded3(area)}\u2009mm²`);
drawCosts(run);
drawControl(run);
drawNotes();
listenToButtons();
