// A picture with a row for each of many things and time from left to right, which can be moved and zoomed.

/** The times that are in view, shared by several pictures. */
class View {
  constructor(cycles) {
    this.cycles = cycles;
    this.least = Math.min(cycles, 10);
    this.changed = [];
    this.show(0, cycles);
  }

  get span() {
    return this.last - this.first;
  }

  show(first, last) {
    const span = Math.min(this.cycles, Math.max(this.least, last - first));
    this.first = Math.max(0, Math.min(this.cycles - span, first));
    this.last = this.first + span;
    this.changed.forEach((repaint) => repaint());
  }

  /** Show `factor` times as much, the time at `fixed` staying where it is. */
  zoom(factor, fixed = (this.first + this.last) / 2) {
    const span = Math.min(this.cycles, Math.max(this.least, this.span * factor));
    const first = fixed - ((fixed - this.first) * span) / this.span;
    this.show(first, first + span);
  }

  move(cycles) {
    this.show(this.first + cycles, this.last + cycles);
  }
}

const AXIS = 26;

/** The most pixels of a canvas's height. */
const LONGEST = 16000;

/**
 * names: of the rows. paint(context, row, box, view): draws a row into a box. describe(row, time, pixel): lines of a
 * tooltip; pixel: the cycles of one.
 */
class Rows {
  constructor(host, view, { names, height, label, paint, describe }) {
    Object.assign(this, { view, names, height, paint, describe });
    this.axis = element("canvas", { "aria-hidden": "true" });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.inner = element("div", {}, this.canvas);
    this.inner.style.height = `${names.length * height}px`;
    this.scroll = element("div", { class: "scroll", tabindex: "0", role: "application", "aria-label": label }, this.inner);
    host.append(this.axis, this.scroll);
    this.left = this.labelWidth();
    this.listen();
    view.changed.push(() => this.repaint());
    new ResizeObserver(() => this.repaint()).observe(this.scroll);
    onTheme(() => this.repaint());
  }

  labelWidth() {
    const context = this.canvas.getContext("2d");
    context.font = "12px system-ui, sans-serif";
    return Math.ceil(14 + Math.min(220, Math.max(40, ...this.names.map((name) => context.measureText(name).width))));
  }

  get width() {
    return Math.max(1, this.scroll.clientWidth - this.left - 8);
  }

  timeAt(x) {
    return this.view.first + ((x - this.left) / this.width) * this.view.span;
  }

  repaint() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paintAll();
    });
  }

  /** Paint the rows that are seen, or for print all of them. height: of the canvas. */
  paintAll(height = this.scroll.clientHeight) {
    const context = sized(this.canvas, this.scroll.clientWidth, height);
    const top = height > this.scroll.clientHeight ? 0 : this.scroll.scrollTop;
    const first = Math.floor(top / this.height);
    const last = Math.min(this.names.length, Math.ceil((top + height) / this.height));
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const ink = colour("ink");
    for (let row = first; row < last; row++) {
      const box = { x: this.left, y: row * this.height - top + 2, width: this.width, height: this.height - 4 };
      context.fillStyle = ink;
      context.fillText(shortened(context, this.names[row], this.left - 12), 6, box.y + box.height / 2);
      this.paint(context, row, box, this.view);
    }
    this.paintAxis();
  }

  paintAxis() {
    const context = sized(this.axis, this.scroll.offsetWidth, AXIS);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = context.strokeStyle = colour("soft");
    context.textBaseline = "middle";
    context.fillText("cycle", 6, AXIS / 2);
    const step = tickStep((90 * this.view.span) / this.width);
    for (let tick = Math.ceil(this.view.first / step) * step; tick <= this.view.last; tick += step) {
      const x = this.left + ((tick - this.view.first) / this.view.span) * this.width;
      context.fillRect(x, AXIS - 6, 1, 6);
      const text = count(tick);
      const width = context.measureText(text).width;
      context.fillText(text, Math.min(x + 3, this.scroll.offsetWidth - width - 2), AXIS / 2 - 2);
    }
  }

  listen() {
    const { scroll, view } = this;
    const x = (event) => event.clientX - scroll.getBoundingClientRect().left;
    scroll.addEventListener("scroll", () => this.repaint());
    scroll.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && document.activeElement !== scroll) return;
        event.preventDefault();
        if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          view.move(((event.deltaX || event.deltaY) / this.width) * view.span);
        } else {
          view.zoom(2 ** (event.deltaY / 300), this.timeAt(x(event)));
        }
      },
      { passive: false },
    );
    scroll.addEventListener("pointerdown", (event) => {
      if (event.button || event.offsetX > scroll.clientWidth) return;
      this.held = { x: event.clientX, y: event.clientY };
      scroll.setPointerCapture(event.pointerId);
      scroll.classList.add("held");
    });
    scroll.addEventListener("pointermove", (event) => {
      if (this.held) {
        view.move(((this.held.x - event.clientX) / this.width) * view.span);
        scroll.scrollTop += this.held.y - event.clientY;
        this.held = { x: event.clientX, y: event.clientY };
        hideTooltip();
      } else {
        this.point(event, x(event));
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      scroll.addEventListener(end, () => {
        this.held = null;
        scroll.classList.remove("held");
      });
    }
    scroll.addEventListener("pointerleave", hideTooltip);
    scroll.addEventListener("dblclick", (event) => view.zoom(1 / 4, this.timeAt(x(event))));
    scroll.addEventListener("keydown", (event) => this.key(event));
    addEventListener("beforeprint", () => this.paintAll(Math.min(this.names.length * this.height, LONGEST)));
    addEventListener("afterprint", () => this.paintAll());
  }

  point(event, x) {
    const row = Math.floor((event.clientY - this.inner.getBoundingClientRect().top) / this.height);
    const time = this.timeAt(x);
    if (row < 0 || row >= this.names.length || x < this.left || time < 0 || time >= this.view.cycles) {
      hideTooltip();
      return;
    }
    showTooltip(event, this.describe(row, time, this.view.span / this.width));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = this;
    const actions = {
      "+": () => view.zoom(1 / 2),
      "=": () => view.zoom(1 / 2),
      "-": () => view.zoom(2),
      0: () => view.show(0, view.cycles),
      ArrowLeft: () => view.move(-view.span / 4),
      ArrowRight: () => view.move(view.span / 4),
      Escape: () => this.scroll.blur(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

/** A canvas's context, with so many pixels of the page's, cleared. */
function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

/** The smallest of 1, 2, 5, 10, 20, … that is at least so much. */
function tickStep(least) {
  for (let scale = 1; ; scale *= 10) {
    for (const factor of [1, 2, 5]) if (factor * scale >= least) return factor * scale;
  }
}

function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 3 && context.measureText(middleCut(text, length)).width > width) length--;
  return middleCut(text, length);
}
