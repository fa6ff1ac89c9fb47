// Elements, numbers as text, and the tooltip.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; strings become text, never markup. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for SVG. */
function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const byId = (id) => document.getElementById(id);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

/** An integer with thin spaces between groups of digits. */
const count = (number) => Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, "\u2009");

/** A text of at most so many characters, abbreviated in the middle. */
function middleCut(text, most) {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}

const several = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)}\u2009%`;

/** A quantity with one of the usual prefixes. */
function quantity(value, unit) {
  const prefixes = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1], ["m", 1e-3], ["µ", 1e-6], ["n", 1e-9], ["p", 1e-12]];
  const [prefix, scale] = prefixes.find(([, size]) => Math.abs(value) >= size) ?? prefixes.at(-1);
  return `${Number((value / scale).toPrecision(3))}\u2009${prefix}${unit}`;
}

/** A number with three digits that matter. */
const rounded3 = (value) => `${Number(value.toPrecision(3))}`;

/** Cycles, which may be a mean, and how long they are where the clock is known. */
function duration(cycles, clock) {
  const text = Number.isInteger(cycles) ? several(cycles, "cycle") : `${cycles.toFixed(2)} cycles`;
  return text + (clock ? ` (${quantity(cycles / clock, "s")})` : "");
}

/** Show lines of text beside the pointer, the first as a heading. */
function showTooltip(event, [heading, ...lines]) {
  const tooltip = byId("tooltip");
  tooltip.replaceChildren(element("strong", {}, heading), ...lines.map((line) => element("span", {}, line)));
  tooltip.hidden = false;
  const { width, height } = tooltip.getBoundingClientRect();
  const beside = (at, size, room) => (at + 14 + size > room ? Math.max(0, at - 14 - size) : at + 14);
  tooltip.style.left = `${beside(event.clientX, width, innerWidth)}px`;
  tooltip.style.top = `${beside(event.clientY, height, innerHeight)}px`;
}

const hideTooltip = () => (byId("tooltip").hidden = true);

/** Show a tooltip while the pointer is on a part of a drawing, which says the same to those who do not see it. */
function explain(node, lines) {
  node.append(shape("title", {}, lines.join(", ")));
  node.addEventListener("pointermove", (event) => showTooltip(event, lines));
  node.addEventListener("pointerleave", hideTooltip);
  return node;
}
