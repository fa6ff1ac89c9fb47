// Tables of cores and of costs.

const words = (text) => ["words", text];
const number = (text) => ["", text];

/** A bar, of parts in the colours of states. */
function bar(parts) {
  const bars = parts.map(([state, share]) => {
    const part = element("span", { class: state });
    part.style.width = `${100 * share}%`;
    return part;
  });
  return ["words", element("div", { class: "bar", "aria-hidden": "true" }, ...bars)];
}

/** heads: of columns. rows: of cells, each [class, what is in it]. */
function table(heads, rows) {
  const cells = (name, row) => row.map(([kind, content]) => element(name, kind ? { class: kind } : {}, content));
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...cells("th", heads))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row)))),
  );
}

function drawCores(run) {
  const heads = [
    words("core"),
    words("place"),
    number("fires"),
    words("what it does"),
    number("iterations of an inference"),
    number("cycles it fires"),
    number("waits for data"),
    number("waits for room"),
    number("SRAM bytes"),
    words("waits most for"),
  ];
  const rows = run.cores.map((core) => {
    const states = [["even", core.busy], ["data", core.data], ["credit", core.credit]];
    return [
      words(core.name),
      words(core.place ? `(${core.place.join(", ")})` : "—"),
      number(percent(core.busy, run.cycles)),
      bar(states.map(([state, cycles]) => [state, cycles / run.cycles])),
      number(count(core.iterations)),
      number(count(core.busy)),
      number(count(core.data)),
      number(count(core.credit)),
      number(count(core.sram)),
      words(mostly(core)),
    ];
  });
  byId("cores-table").append(table(heads, rows));
}

/** What a core waits for most of the time. */
function mostly(core) {
  const [kind, source, array, cycles] = core.causes.reduce((a, b) => (b[3] > a[3] ? b : a), ["", "", "", 0]);
  if (!cycles) return "—";
  const share = percent(cycles, core.data + core.credit);
  return kind === "data" ? `${array} from ${source} (${share})` : `room for ${array} at ${source} (${share})`;
}

function drawCosts(run) {
  const energies = run.layers.map((layer) => Object.values(layer.energy).reduce((sum, joules) => sum + joules, 0));
  const joules = energies.reduce((sum, value) => sum + value, 0);
  const slowest = Math.max(...run.layers.map((layer) => layer.cycles));
  const heads = [
    words("stage"),
    number("cores"),
    number("crossbars"),
    number("iterations"),
    number("cycles of one"),
    number("its latency"),
    words("longest busy"),
    number("cycles of an inference"),
    words(""),
  ];
  const components = new Set(run.layers.flatMap((layer) => Object.keys(layer.energy)));
  if (joules) heads.push(number("energy"), words(""), ...(components.size > 1 ? [words("of which")] : []));
  const rows = run.layers.map((layer, k) => {
    const row = [
      words(layer.stage),
      number(count(layer.cores)),
      number(count(layer.crossbars)),
      number(count(layer.iterations)),
      number(count(layer.interval)),
      number(count(layer.latency)),
      words(busiest(layer)),
      number(count(layer.cycles)),
      bar([["even", layer.cycles / slowest]]),
    ];
    if (joules) {
      const parts = Object.entries(layer.energy).map(([component, value]) => `${component} ${quantity(value, "J")}`);
      row.push(number(energies[k] ? quantity(energies[k], "J") : "—"), bar([["credit", energies[k] / Math.max(...energies)]]));
      if (components.size > 1) row.push(words(parts.join(", ")));
    }
    return row;
  });
  byId("costs-table").append(table(heads, rows));
  const energy = joules
    ? `Energy is that of iterations (${[...components].join(", ")}), ${quantity(joules, "J")} in all; links, writes and ` +
      "static power are not of a stage."
    : `The description of '${run.hardware}' has no figures for energy.`;
  byId("costs-text").textContent =
    `Of one inference, by stage: cycles of the core with the most iterations. The stage with the most cycles sets the ` +
    `steady-state interval if nothing waits. ${energy}`;
}

/** The resource that an iteration keeps busy longest. */
function busiest(layer) {
  const [resource, cycles] = Object.entries(layer.busy).reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
  return cycles ? `${resource} (${count(cycles)})` : "—";
}
