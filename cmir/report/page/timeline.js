// The timeline of cores, and the occupancy of buffers below it.

function drawTimeline(run, view) {
  const times = run.cores.map((core) => new CoreTime(core, run.cycles));
  const colours = paletteOf([...STATES, "held"]);
  const ofCore = (core) => (core.place ? colours : { ...colours, credit: colours.held });
  return new Rows(byId("timeline-rows"), view, {
    names: run.cores.map((core) => core.name),
    height: 20,
    label: "Timeline of cores; the table of cores below has the same in numbers",
    paint: (context, row, box, shown) => paintCore(context, times[row], box, shown, ofCore(run.cores[row])),
    describe: (row, time, pixel) => describeCore(run, times[row], time, pixel),
  });
}

/** Colours by name, which follow the scheme of the page. */
function paletteOf(names) {
  const read = () => Object.fromEntries(names.map((name) => [name, colour(name)]));
  const palette = read();
  onTheme(() => Object.assign(palette, read()));
  return palette;
}

/** A bar whose height is divided, at each pixel, as the cycles there are. */
function paintCore(context, time, box, view, colours) {
  let before = time.until(view.first);
  let open = null;
  const close = (end) => {
    if (!open) return;
    let bottom = box.y + box.height;
    STATES.forEach((state, k) => {
      const height = open.shares[k] * box.height;
      if (height <= 0) return;
      context.fillStyle = colours[state];
      context.fillRect(box.x + open.start, bottom - height, end - open.start, height);
      bottom -= height;
    });
  };
  const pixels = Math.floor(box.width);
  const length = view.span / pixels;
  for (let x = 0; x < pixels; x++) {
    const after = time.until(view.first + (x + 1) * length);
    const shares = after.map((sum, k) => (sum - before[k]) / length);
    before = after;
    // Alike but for rounding: drawn as one, so that there are no seams.
    if (open && shares.every((share, k) => Math.abs(share - open.shares[k]) < 1e-6)) continue;
    close(x);
    open = { start: x, shares };
  }
  close(pixels);
}

function describeCore(run, time, at, pixel) {
  const { core } = time;
  const stage = core.stage === core.name ? "" : `, stage ${core.stage}`;
  const place = core.place ? `, at (${core.place.join(", ")})` : "";
  const lines = [`${core.name}${stage}${place}`, ...(core.node ? [`node ${core.node}`] : []), ...time.describe(at)];
  if (pixel > 2) {
    const [from, to] = [Math.max(0, at - pixel), Math.min(run.cycles, at + pixel)];
    const before = time.until(from);
    const [even, odd, data, credit] = time.until(to).map((sum, k) => (sum - before[k]) / (to - from));
    const shares = [`fires ${percent(even + odd, 1)}`, `waits for data ${percent(data, 1)}`, `for room ${percent(credit, 1)}`];
    lines.push(`around here (${count(to - from)} cycles): ${shares.join(", ")}`);
  }
  return lines;
}

function drawBuffers(run, view) {
  if (!run.buffers.length) {
    byId("buffers-text").textContent = "No core writes into a buffer of another.";
    return null;
  }
  const colours = paletteOf(["even", "odd", "panel", "credit"]);
  return new Rows(byId("buffer-rows"), view, {
    names: run.buffers.map((buffer) => `${buffer.array} at ${buffer.core}`),
    height: 34,
    label: "Occupancy of buffers over time",
    paint: (context, row, box, shown) => paintBuffer(context, run.buffers[row], run.cycles, box, shown, colours),
    describe: (row, time) => describeBuffer(run.buffers[row], run.cycles, time),
  });
}

/** The least occupancy at each pixel, and in another colour the most. */
function paintBuffer(context, buffer, cycles, box, view, colours) {
  const { low, high, slots } = buffer;
  context.fillStyle = colours.panel;
  context.fillRect(box.x, box.y, box.width, box.height);
  const part = (time) => Math.max(0, Math.min(low.length - 1, Math.floor((time / cycles) * low.length)));
  const pixels = Math.floor(box.width);
  const bottom = box.y + box.height;
  for (let x = 0; x < pixels; x++) {
    const first = part(view.first + (x / pixels) * view.span);
    const last = Math.max(first, part(view.first + ((x + 1) / pixels) * view.span - 1e-9));
    const least = Math.min(...low.slice(first, last + 1));
    const most = Math.max(...high.slice(first, last + 1));
    const [inside, outside] = [least, most].map((value) => (value / slots) * box.height);
    context.fillStyle = colours.odd;
    context.fillRect(box.x + x, bottom - outside, 1, outside - inside);
    context.fillStyle = colours.even;
    context.fillRect(box.x + x, bottom - inside, 1, inside);
  }
  const peak = Math.round(bottom - (buffer.most / slots) * box.height);
  context.fillStyle = colours.credit;
  context.fillRect(box.x, peak, box.width, 1);
}

function describeBuffer(buffer, cycles, time) {
  const part = Math.min(buffer.low.length - 1, Math.floor((time / cycles) * buffer.low.length));
  const length = cycles / buffer.low.length;
  const [low, high] = [buffer.low[part], buffer.high[part]];
  const when = length > 1 ? `cycles ${count(part * length)}–${count((part + 1) * length - 1)}` : `cycle ${count(part)}`;
  return [
    `${buffer.array} at ${buffer.core}`,
    `${when}: ${low === high ? count(low) : `${count(low)} to ${count(high)}`} of ${count(buffer.slots)} elements`,
    `at most ${count(buffer.most)}, ${percent(buffer.most, buffer.slots)} of the room (${count(buffer.bytes)} bytes)`,
  ];
}
