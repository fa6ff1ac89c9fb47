// The cost of control logic.

const sizeText = ({ state_bits, gates, luts }) =>
  [several(state_bits, "flip-flop"), ...(gates === null ? [] : [several(gates, "gate"), several(luts, "LUT")])].join(", ");

const sizeCells = ({ state_bits, gates, luts }) =>
  [state_bits, ...(gates === null ? [] : [gates, luts])].map((size) => number(count(size)));

const sizeHeads = ({ gates }, whose = "") =>
  ["flip-flops", ...(gates === null ? [] : ["gates", "LUTs"])].map((head) => number(`${whose}${head}`));

function drawControl(run) {
  const { control } = run;
  byId("control").hidden = !control;
  document.querySelector('nav a[href="#control"]').hidden = !control;
  if (!control) return;
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const units = sum(control.units.map((unit) => unit.count));
  const lines = sum(control.delay_lines.map((line) => line.count));
  byId("control-text").textContent =
    `The control logic of ${several(units, "unit")}, with ${several(lines, "delay line")} between them, takes ` +
    `${sizeText(control)}. A row is a kind of unit, with what one of them takes.`;
  byId("control-table").append(
    table(
      [words("unit"), ...["units", "walk", "token counters", "pace"].map(number), ...sizeHeads(control)],
      control.units.map((unit) => [
        nameCell(unit.name),
        ...[unit.count, unit.walk_bits, sum(unit.counter_bits), unit.pace_bits].map((bits) => number(count(bits))),
        ...sizeCells(unit),
      ]),
    ),
  );
  byId("control-words").textContent =
    `Token counters that guard buffers take ${sizeText(control.token_counters)}. A valid bit and a count for each word ` +
    `of the same buffers would take ${sizeText(control.per_word)}:`;
  byId("control-buffers").append(
    table(
      [words("core"), words("buffer"), number("words"), number("reads of a word"), ...sizeHeads(control), ...sizeHeads(control, "counters: ")],
      control.per_word.buffers.map((buffer) => [
        nameCell(buffer.core),
        nameCell(buffer.array),
        number(count(buffer.words)),
        number(count(buffer.reads)),
        ...sizeCells(buffer),
        ...sizeCells(buffer.token_counters),
      ]),
    ),
  );
}
