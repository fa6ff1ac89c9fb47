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

/** A name in a table: abbreviated in the middle, in full for who points at it. */
const nameCell = (text) => ["words", element("span", { title: text }, middleCut(text, 40))];

/** A sum as a bar of its parts, and the parts that the description has no figures for. */
function drawParts(id, title, { known, missing }, text) {
  const parts = Object.entries(known).filter(([, value]) => value);
  const whole = parts.reduce((sum, [, value]) => sum + value, 0);
  const lacking = Object.entries(missing).map(([part, field]) => `${part} (${field})`);
  const without = lacking.length ? `, without ${lacking.join(", ")}` : "";
  const host = byId(id);
  if (!parts.length) {
    host.append(element("strong", {}, title), `: no figures for ${lacking.join(", ")}`);
    return;
  }
  const bars = parts.map(([part, value], k) => {
    const piece = element("span", { class: `part-${k % 6}`, title: `${part} ${text(value)}` });
    piece.style.width = `${(100 * value) / whole}%`;
    return piece;
  });
  const entries = parts.map(([part, value], k) =>
    element("li", {}, element("span", { class: `part-${k % 6}` }), `${part} ${text(value)}, ${percent(value, whole)}`),
  );
  host.append(
    element("strong", {}, title),
    `: ${text(whole)}${without}`,
    element("div", { class: "whole", "aria-hidden": "true" }, ...bars),
    element("ul", { class: "legend" }, ...entries),
  );
}

function drawCores(run) {
  const named = run.cores.some((core) => core.node);
  const heads = [
    words("core"),
    ...(named ? [words("node")] : []),
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
    const states = [["even", core.busy], ["data", core.data], [core.place ? "credit" : "held", core.credit]];
    return [
      nameCell(core.name),
      ...(named ? [nameCell(core.node ?? "")] : []),
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
  const named = run.layers.some((layer) => layer.node);
  const heads = [
    words("stage"),
    ...(named ? [words("node")] : []),
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
      nameCell(layer.stage),
      ...(named ? [nameCell(layer.node ?? "")] : []),
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
