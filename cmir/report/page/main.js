// The page: all parts, from the figures that it carries.

const run = JSON.parse(byId("run").textContent);
const view = new View(run.cycles);

function drawSummary() {
  byId("machine").textContent = `On '${run.hardware}'${run.hardwareSummary ? `: ${run.hardwareSummary}` : ""}`;
  const figures = [
    ["inferences", count(run.inferences)],
    ["cycles", duration(run.cycles, run.clock)],
    ["latency of one inference", duration(run.latency, run.clock)],
    ...(run.interval === null ? [] : [["steady-state interval", duration(run.interval, run.clock)]]),
    ["inferences overlapping", count(run.overlap)],
    ["cores", count(run.cores.filter((core) => core.place).length)],
    ["SRAM", `${count(run.cores.reduce((sum, core) => sum + core.sram, 0))} bytes`],
  ];
  byId("summary").append(
    ...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
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

drawSummary();
drawGraph(run);
const timelineRows = drawTimeline(run, view);
drawCores(run);
const bufferRows = drawBuffers(run, view);
drawChip(run);
drawCosts(run);
drawNotes();
listenToButtons();
