// What a core does when: sums of cycles up to any time, and words for one cycle.

const STATES = ["even", "odd", "data", "credit"];

/** The number of elements of a sorted array that are ≤ value. */
function countUpTo(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The sums of all elements before each, and of all. */
function sums(values) {
  const total = [0];
  for (const value of values) total.push(total.at(-1) + value);
  return total;
}

/** A core whose stretches are known: `count` times, it waits for `wait` cycles, then fires for `fire` cycles. */
class Exact {
  constructor(core) {
    Object.assign(this, core.stretches);
    this.core = core;
    const { wait, fire, count, cause } = this;
    const waits = (kind) => wait.map((w, k) => (cause[k] >= 0 && core.causes[cause[k]][0] === kind ? w * count[k] : 0));
    this.begin = sums(wait.map((w, k) => (w + fire[k]) * count[k]));
    this.fired = sums(fire.map((f, k) => f * count[k]));
    this.waited = { data: sums(waits("data")), credit: sums(waits("credit")) };
  }

  /** Which stretch a time is in, and what of it has passed. */
  place(time) {
    const k = Math.min(countUpTo(this.begin, time), this.wait.length) - 1;
    const passed = Math.min(time, this.core.end) - this.begin[k];
    const period = this.wait[k] + this.fire[k];
    const repeat = Math.min(Math.floor(passed / period), this.count[k] - 1);
    return { k, repeat, rest: passed - repeat * period, period };
  }

  /** Cycles before a time in which the core fired, waited for data, and for credit. */
  until(time) {
    const { k, repeat, rest } = this.place(time);
    const waits = repeat * this.wait[k] + Math.min(rest, this.wait[k]);
    const kind = this.cause[k] >= 0 ? this.core.causes[this.cause[k]][0] : null;
    return [
      this.fired[k] + repeat * this.fire[k] + Math.max(0, rest - this.wait[k]),
      this.waited.data[k] + (kind === "data" ? waits : 0),
      this.waited.credit[k] + (kind === "credit" ? waits : 0),
    ];
  }

  /** What the core does in the cycle that a time is in, in words. */
  describe(time) {
    const { core } = this;
    const { k, repeat, rest, period } = this.place(Math.floor(time));
    const [wait, fire] = [this.wait[k], this.fire[k]];
    const start = this.begin[k] + repeat * period;
    const lines = [];
    if (rest < wait) {
      const [kind, source, array] = core.causes[this.cause[k]];
      lines.push(`cycles ${count(start)}–${count(start + wait - 1)} (${count(wait)})`);
      lines.push(kind === "data" ? `waits for data of ${array} from ${source}` : `waits for room for ${array} at ${source}`);
    } else {
      const first = this.first[k] + repeat * this.iterations[k];
      const inference = Math.floor(first / core.iterations);
      const place = first % core.iterations;
      lines.push(`cycles ${count(start + wait)}–${count(start + period - 1)} (${count(fire)})`);
      const last = place + this.iterations[k] - 1;
      const which = last > place ? `iterations ${count(place)}–${count(last)}` : `iteration ${count(place)}`;
      lines.push(`fires ${which} of inference ${inference}`);
    }
    if (this.count[k] > 1 && wait) lines.push(`one of ${count(this.count[k])} alike: waits ${count(wait)}, fires ${count(fire)}`);
    return lines;
  }
}

/** A core of which sums over equal parts of the run are known. */
class Parts {
  constructor(core, cycles) {
    this.core = core;
    this.length = cycles / core.parts.fire.length;
    this.sums = ["fire", "data", "credit"].map((state) => sums(core.parts[state]));
  }

  until(time) {
    const part = Math.min(Math.floor(time / this.length), this.core.parts.fire.length - 1);
    const share = time / this.length - part;
    return this.sums.map((total) => total[part] + share * (total[part + 1] - total[part]));
  }

  describe(time) {
    const part = Math.min(Math.floor(time / this.length), this.core.parts.fire.length - 1);
    const { fire, data, credit } = this.core.parts;
    return [
      `cycles ${count(part * this.length)}–${count((part + 1) * this.length - 1)}, together`,
      `fires ${percent(fire[part], this.length)}, waits for data ${percent(data[part], this.length)}, ` +
        `for room ${percent(credit[part], this.length)}`,
    ];
  }
}

/** The time of a core. */
class CoreTime {
  constructor(core, cycles) {
    this.core = core;
    this.sums = core.stretches ? new Exact(core) : new Parts(core, cycles);
    this.ends = sums(core.firing);
    this.even = sums(core.firing.map((cycles, inference) => (inference % 2 ? 0 : cycles)));
  }

  /** Cycles before a time in each of STATES. */
  until(time) {
    const [fired, data, credit] = this.sums.until(time);
    const done = countUpTo(this.ends, fired) - 1;
    const even = this.even[done] + (done % 2 ? 0 : fired - this.ends[done]);
    return [even, fired - even, data, credit];
  }

  describe(time) {
    const { core } = this;
    if (time >= core.end) return [`has had nothing left to do since cycle ${count(core.end)}`];
    return this.sums.describe(time);
  }
}
