"""Pages in a browser: that they show what they should, ask nobody for anything, and zoom.

Where there is no Chromium these tests are skipped; `make tools` installs it. The images of the documentation are
written by pytest tests/report --update-golden.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
from playwright.sync_api import Browser, Page, Request
from report.chromium import chromium, needs_chromium
from report.runs import IN_TURN, SLOW, WAYS, Drawn, residual_block
from zoo import build

from cmir.compilation.model import lower, read_model
from cmir.hardware.description import Hardware
from cmir.report import figures
from cmir.report.activity import activities
from cmir.report.page import write_page
from cmir.report.plot import write_plot
from cmir.rtl.control_cost import ControlCost, Size
from cmir.rtl.costing import control_cost
from cmir.rtl.synthesis import Netlist
from cmir.timing.network import TimedNetwork

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
TEXTBOOK = ROOT / "tests" / "filecheck" / "textbook.mlir"
IMAGES = ROOT / "docs" / "images"

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Opened:
    """A page that is open, and what it did that it should not."""

    page: Page
    problems: list[str] = field(default_factory=list)

    @property
    def view(self) -> list[float]:
        """The first and the last cycle that are shown."""
        return self.page.evaluate("[view.first, view.last]")

    def wait_until(self, condition: str) -> None:
        """Wait for a condition in JavaScript, asked from outside: the policy of the page forbids to evaluate any."""
        for _ in range(6000):  # two minutes, on a machine that is busy
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"{condition} does not come true")

    def place(self, row: int, cycle: float, rows: str = "timeline-rows") -> tuple[float, float]:
        """Where a cycle of a row is in the window."""
        at = self.page.evaluate(
            """([id, row, cycle]) => {
              const pictures = {"timeline-rows": timelineRows, "buffer-rows": bufferRows};
              const rows = pictures[id];
              rows.scroll.scrollIntoViewIfNeeded();
              const box = rows.inner.getBoundingClientRect();
              const x = rows.left + (cycle - view.first) / view.span * rows.width;
              return [box.left + x, box.top + (row + 0.5) * rows.height];
            }""",
            [rows, row, cycle],
        )
        return at[0], at[1]

    def settle(self) -> None:
        """Wait until what was asked for is painted."""
        self.page.evaluate("""new Promise((done) =>
              requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))""")

    def colour(
        self, row: int, cycle: float, rows: str = "timeline-rows", height: float = 0.5
    ) -> str:
        """The name of the colour of a point in a row's bar; height: 0 for its bottom, 1 for its top."""
        self.settle()
        return self.page.evaluate(
            """([id, row, cycle, height]) => {
              const rows = {"timeline-rows": timelineRows, "buffer-rows": bufferRows}[id];
              const x = rows.left + (cycle - view.first) / view.span * rows.width;
              const y = (row + 1) * rows.height - 2 - height * (rows.height - 4) - rows.scroll.scrollTop;
              const ratio = devicePixelRatio;
              const copy = document.createElement("canvas");
              copy.width = copy.height = 1;
              const context = copy.getContext("2d", {willReadFrequently: true});
              context.drawImage(rows.canvas, -Math.floor(x * ratio), -Math.floor(y * ratio));
              const pixel = context.getImageData(0, 0, 1, 1).data;
              const hex = "#" + [...pixel.slice(0, 3)].map((c) => c.toString(16).padStart(2, "0")).join("");
              const names = ["even", "odd", "data", "credit", "panel"];
              return pixel[3] ? names.find((name) => colour(name).trim() === hex) ?? hex : "idle";
            }""",
            [rows, row, cycle, height],
        )

    def tooltip(self, row: int, cycle: float, rows: str = "timeline-rows") -> list[str]:
        """The lines of the tooltip where the pointer is moved."""
        self.page.mouse.move(*self.place(row, cycle, rows))
        tip = self.page.locator("#tooltip")
        return tip.inner_text().splitlines() if tip.is_visible() else []


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Writes the page of a run and opens it; at the end, it must not have done what it should not."""
    opened: list[Opened] = []

    def open_(
        timed: TimedNetwork,
        inferences: int,
        title: str = "run",
        control: ControlCost | None = None,
        **settings: object,
    ) -> Opened:
        report = timed.time(inferences)
        write_page(timed, report, title, tmp_path, control)
        page = browser.new_page(
            viewport={"width": 1280, "height": 900},
            **settings,  # pyright: ignore[reportArgumentType]
        )
        page.set_default_timeout(120_000)  # milliseconds
        result = Opened(page)
        opened.append(result)
        address = (tmp_path / "index.html").as_uri()

        def requested(request: Request) -> None:
            if request.url != address and not request.url.startswith("data:"):
                result.problems.append(f"request: {request.url}")

        page.on("console", lambda message: result.problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: result.problems.append(f"error: {error}"))
        page.on("request", requested)
        page.goto(address)
        result.settle()
        return result

    yield open_
    for result in opened:
        assert result.problems == []
        result.page.close()


@pytest.fixture(scope="module")
def textbook() -> TimedNetwork:
    model = read_model(TEXTBOOK)
    return TimedNetwork(lower(model), Hardware.load("ideal"))


def test_textbook(textbook: TimedNetwork, open_page: Open) -> None:
    opened = open_page(textbook, 3, "textbook")
    page = opened.page
    assert page.title() == "textbook" and page.locator("h1").inner_text() == "textbook"
    assert "25 cycles" in page.locator("#summary").inner_text()
    conv1 = [opened.colour(0, cycle + 0.5) for cycle in range(25)]
    conv2 = [opened.colour(1, cycle + 0.5) for cycle in range(25)]
    assert conv1 == ["even"] * 8 + ["odd"] * 8 + ["even"] * 8 + ["idle"]
    assert (
        conv2
        == ["data"] * 3 + ["even"] * 6 + ["data"] * 2 + ["odd"] * 6 + ["data"] * 2 + ["even"] * 6
    )
    # The buffer has room for 8 elements, of which there are 3 from the third on.
    levels = [opened.colour(0, 5.5, "buffer-rows", height) for height in (0.1, 0.3, 0.5)]
    assert levels == ["even", "even", "panel"]
    assert opened.colour(0, 0.5, "buffer-rows", 0.1) == "panel"
    assert page.locator("#graph rect").count() == 4
    assert page.locator("#cores-table tbody tr").nth(1).inner_text().split("\t")[:3] == [
        "conv2",
        "(1)",
        "72.0\u2009%",
    ]


def test_tooltips(textbook: TimedNetwork, open_page: Open) -> None:
    opened = open_page(textbook, 3)
    assert opened.tooltip(1, 1.5) == [
        "conv2, at (1)",
        "cycles 0–2 (3)",
        "waits for data of b from conv1",
    ]
    assert opened.tooltip(1, 12.5) == [
        "conv2, at (1)",
        "cycles 11–16 (6)",
        "fires iterations 0–5 of inference 1",
    ]
    assert opened.tooltip(0, 24.5) == [
        "conv1, at (0)",
        "has had nothing left to do since cycle 24",
    ]
    assert opened.tooltip(0, 2.5, "buffer-rows")[:2] == ["b at conv2", "cycle 2: 2 of 8 elements"]
    box = opened.page.locator("#graph g").nth(1)
    box.hover()
    lines = opened.page.locator("#tooltip").inner_text().splitlines()
    assert lines == ["conv1", "1 core", "at (0)", "fires 96.0\u2009% of the time"]
    opened.page.mouse.move(2, 2)
    assert not opened.page.locator("#tooltip").is_visible()


def test_zoom(textbook: TimedNetwork, open_page: Open) -> None:
    opened = open_page(textbook, 3)
    page = opened.page
    assert opened.view == [0, 25]
    # The wheel scrolls the page until the timeline has been clicked.
    page.mouse.move(*opened.place(1, 10))
    page.mouse.wheel(0, 100)
    opened.wait_until("scrollY > 0")
    assert opened.view == [0, 25]
    place = opened.place(1, 10)
    page.mouse.click(*place)
    page.mouse.wheel(0, -300)
    opened.wait_until("view.span < 25")
    first, last = opened.view
    assert last - first == pytest.approx(12.5)
    assert opened.place(1, 10)[0] == pytest.approx(
        place[0], abs=1
    )  # what is under the pointer stays there
    assert opened.colour(1, 10) == "data"
    page.keyboard.press("0")
    assert opened.view == [0, 25]
    page.keyboard.press("+")
    assert opened.view == [6.25, 18.75]
    page.keyboard.press("ArrowRight")
    assert opened.view == [9.375, 21.875]
    page.keyboard.press("-")
    assert opened.view == [0, 25]
    page.get_by_role("button", name="+").click()
    assert opened.view == [6.25, 18.75]
    x, y = opened.place(0, 12)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2000, y)
    page.mouse.up()
    assert opened.view == [0, 12.5]
    page.get_by_role("button", name="all").click()
    page.mouse.dblclick(*opened.place(0, 12.5))
    assert opened.view == pytest.approx([7.5, 17.5])  # ten cycles are the fewest


@pytest.mark.parametrize("stretches", [figures.MOST_STRETCHES, 0])
@pytest.mark.parametrize(("machine", "passes"), [(SLOW, ""), (IN_TURN, WAYS)])
def test_time_is_that_of_the_run(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, stretches: int, machine: str, passes: str
) -> None:
    """At any time, the sums from which the page draws are those of the run, exactly or at the borders of parts."""
    monkeypatch.setattr(figures, "MOST_STRETCHES", stretches)
    monkeypatch.setattr(figures, "LEAST_PARTS", 3)
    drawn: Drawn = residual_block((3, 1), 2, machine=machine, passes=passes)
    timed, report = drawn.compiled.timed, drawn.report
    opened = open_page(timed, report.inferences)
    times = np.arange(report.cycles + 1)
    found = opened.page.evaluate(
        """(times) => run.cores.map((core) => {
          const time = new CoreTime(core, run.cycles);
          const states = times.map((t) => time.until(t));
          return [Boolean(core.stretches), times.map((t) => time.sums.until(t)), states];
        })""",
        times.tolist(),
    )
    assert any(not exact for exact, *_ in found) == (stretches == 0)
    borders = np.linspace(0, report.cycles, 4).round().astype(int)
    for activity, (exact, sums, states) in zip(
        activities(timed.actors, report), found, strict=True
    ):
        expected = activity.until(times).T
        odd = np.arange(len(activity.start)) // activity.iterations % 2 == 1
        if exact:  # what has fired in odd inferences, iteration by iteration
            spent = np.clip(times[:, None] - activity.start, 0, activity.firing)
            assert np.allclose(np.array(states)[:, 1], spent[:, odd].sum(axis=1))
        at = times if exact else borders
        # Cycles, not data. Where stretches are merged, sums are rounded at their borders.
        assert np.allclose(np.array(sums)[at], expected[at], atol=0.5 if not exact else 1e-9)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_schemes_and_print(textbook: TimedNetwork, open_page: Open, scheme: str) -> None:
    opened = open_page(textbook, 3, color_scheme=scheme)
    page = opened.page
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = min(map(int, paper.removeprefix("rgb(").rstrip(")").split(","))) > 128
    assert light == (scheme == "light")
    assert opened.colour(1, 5.5) == "even"
    other = "dark" if scheme == "light" else "light"
    page.emulate_media(color_scheme=other)  # pyright: ignore[reportArgumentType]
    assert opened.colour(1, 5.5) == "even"
    assert page.pdf().startswith(b"%PDF")


def test_theme_by_choice(textbook: TimedNetwork, open_page: Open) -> None:
    """A choice prevails over the system's theme, is remembered, and repaints canvases."""
    opened = open_page(textbook, 3, color_scheme="dark")
    page = opened.page

    def paper() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = paper()
    page.select_option("#theme", "light")
    assert paper() == "rgb(255, 255, 255)" != dark
    assert opened.colour(1, 5.5) == "even" and opened.colour(1, 1.5) == "data"
    page.reload()
    opened.settle()
    assert paper() == "rgb(255, 255, 255)"
    page.select_option("#theme", "")
    assert paper() == dark


def test_costs_and_headlines(open_page: Open) -> None:
    """Figures that the description gives are drawn; others are said to be unknown, or bounds."""
    unknown = {"energy__includes": None, "energy__static_watts": None}
    hardware = Hardware.load("isaac").replace(**unknown)
    timed = TimedNetwork(lower(read_model(DIGITS), hardware=hardware), hardware)
    page = open_page(timed, 8).page
    shown = page.locator("#headlines").inner_text().splitlines()
    figures_shown = dict(zip(shown[::2], shown[1::2], strict=True))
    found = page.evaluate("run.headlines")
    assert figures_shown["TOPS/W"] == f"≤ {found['tops_per_watt_at_most']:.3g}"
    assert float(figures_shown["TOPS/mm²"]) == pytest.approx(found["tops_per_mm2"], rel=1e-2)
    assert page.locator("#binds").inner_text().startswith("What binds: conv1 and 1 other core: ")
    for part, kind in (("energy", "energy"), ("area", "area")):
        known = page.evaluate(f"run.{kind}.known")
        whole = sum(known.values())
        bars = page.locator(f"#{part}-parts .whole span")
        widths = [bars.nth(k).bounding_box() for k in range(bars.count())]
        total = page.locator(f"#{part}-parts .whole").bounding_box()
        assert total is not None and len(widths) == len(known)
        for box, value in zip(widths, known.values(), strict=True):
            assert box is not None
            assert box["width"] / total["width"] == pytest.approx(value / whole, abs=0.01)
    missing = page.locator("#energy-parts").inner_text()
    assert "without dpu (energy.vector_element), static (energy.static_watts)" in missing


def test_cost_of_control(textbook: TimedNetwork, open_page: Open) -> None:
    """A row for each kind of unit and each buffer, with what one takes; no section if nobody asked."""
    page = open_page(textbook, 1).page
    assert page.locator("#control").is_hidden()
    assert page.locator('nav a[href="#control"]').is_hidden()
    cost = control_cost(textbook, gates=False)
    size = Size(24, Netlist(24, 1234, 67))
    buffer = dataclasses.replace(cost.buffers[0], words=size, counters=size)
    units = [dataclasses.replace(unit, size=size) for unit in cost.units]
    known = ControlCost(units, [], [buffer], synthesized=True)
    for shown, last in ((cost, []), (known, ["1\u2009234", "67"])):
        page = open_page(textbook, 1, control=shown).page
        assert page.locator('nav a[href="#control"]').is_visible()
        rows = page.locator("#control-table tbody tr").all_inner_texts()
        bits = [(1, u.bits.walk, sum(u.bits.counters), 0, u.size.state_bits) for u in shown.units]
        expected = [[*map(str, each), *last] for each in bits]
        assert [row.split("\t")[1:] for row in rows] == expected
        (row,) = page.locator("#control-buffers tbody tr").all_inner_texts()
        assert row.split("\t")[: 5 + len(last)] == ["conv2", "b", "8", "3", "24", *last]
        assert f"{shown.chip.state_bits} flip-flops" in page.locator("#control-text").inner_text()


def test_crossbars_are_drawn_to_scale(open_page: Open) -> None:
    hardware = Hardware.load("isaac")
    timed = TimedNetwork(lower(read_model(DIGITS), hardware=hardware), hardware)
    page = open_page(timed, 1).page
    stages = page.evaluate("run.crossbars.stages")
    drawings = page.locator("#crossbars-drawing figure")
    assert drawings.count() == len(stages) == 4
    for k, stage in enumerate(stages):
        tiles = [tile for tile in stage["tiles"] for _ in range(tile["count"])]
        cells = page.evaluate(
            """(k) => [...document.querySelectorAll("#crossbars-drawing figure")[k].querySelectorAll("g")].map((g) => {
              const [whole, held] = ["rect", "path"].map((name) => g.querySelector(name).getBBox());
              return (held.width * held.height) / (whole.width * whole.height);
            })""",
            k,
        )
        expected = [tile["rows"] * tile["columns"] / 128**2 for tile in tiles]
        assert cells == pytest.approx(expected, rel=1e-3)  # pixels, not data


def test_a_chip_of_many_empty_places(open_page: Open) -> None:
    """Places with cores have room for a label, and empty ones take little of the drawing."""
    hardware = Hardware.load("isaac")
    timed = TimedNetwork(lower(read_model(DIGITS), hardware=hardware), hardware)
    page = open_page(timed, 1).page
    sizes = page.evaluate(
        """[...document.querySelectorAll("#chip-drawing g")].map((g) => {
          const text = g.querySelector("text");
          const rect = g.querySelector("rect").getBoundingClientRect();
          const fits = !text || text.getBoundingClientRect().width <= rect.width;
          return [Boolean(text), rect.width * rect.height, fits, text && parseFloat(getComputedStyle(text).fontSize)];
        })"""
    )
    used = [size for size in sizes if size[0]]
    assert len(used) == 6 and len(sizes) == 168
    assert all(fits and font >= 12 for _, _, fits, font in used)
    assert sum(area for _, area, *_ in used) > sum(area for has, area, *_ in sizes if not has)


def test_a_sender_that_waits_is_no_alarm(open_page: Open) -> None:
    drawn = residual_block(machine=SLOW, passes="polyhedral-stream-inputs")
    timed, report = drawn.compiled.timed, drawn.report
    opened = open_page(timed, report.inferences)
    names = opened.page.evaluate("run.cores.map((core) => core.name)")
    sender = names.index("send_x")
    waits = opened.page.evaluate(f"run.cores[{sender}].credit")
    assert waits
    held = opened.page.evaluate("colour('held').trim()")
    seen = {opened.colour(sender, cycle + 0.5) for cycle in range(report.cycles)}
    assert held in seen and "credit" not in seen
    assert (
        opened.page.locator(".bar .held").count()
        and not opened.page.locator(
            f"#cores-table tbody tr:nth-child({sender + 1}) .credit"
        ).count()
    )


def test_narrow_window(textbook: TimedNetwork, open_page: Open) -> None:
    opened = open_page(textbook, 3)
    opened.page.set_viewport_size({"width": 400, "height": 700})
    opened.settle()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400
    # Drawings scroll at their size, instead of shrinking.
    size = opened.page.locator("#graph svg").bounding_box()
    assert size is not None and size["width"] == opened.page.evaluate("run.graph.width") > 400
    assert opened.page.evaluate("document.querySelector('#graph').scrollWidth") > 400
    assert opened.colour(1, 5.5) == "even"


def test_resnet20(open_page: Open, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A network of many cores, on a chip with places; its screenshots are those of the documentation."""
    path = tmp_path / "resnet20.onnx"
    onnx.save(build("resnet20"), path)
    hardware = Hardware.load("hermes")
    network = lower(read_model(path), hardware=hardware, placement_seconds=1)
    timed = TimedNetwork(network, hardware)
    opened = open_page(timed, 4, "ResNet-20")
    page = opened.page
    assert (tmp_path / "index.html").stat().st_size < 2_000_000
    cores = page.evaluate("run.cores.length")
    assert cores > 40
    assert page.locator("#cores-table tbody tr").count() == cores
    assert page.locator("#chip-drawing rect").count() == 64
    assert page.locator("#chip-drawing path").count() > 64
    assert "µJ" in page.locator("#costs-text").inner_text()
    assert [opened.colour(1, cycle) for cycle in (1, 600_000)] == ["even", "odd"]
    heights = page.evaluate(
        """[new Event("beforeprint"), new Event("afterprint")].map((event) => {
          dispatchEvent(event);
          return timelineRows.canvas.offsetHeight;
        })"""
    )
    assert heights[0] == cores * 20 > heights[1]  # all rows are printed, some of them shown
    folder = IMAGES if request.config.getoption("--update-golden") else tmp_path
    write_plot(timed, timed.time(4), folder / "plot.png")
    for section in ("network", "timeline", "buffers", "crossbars", "chip", "costs"):
        page.mouse.move(0, 0)
        page.locator(f"#{section}").screenshot(path=folder / f"report-{section}.png")
        assert (IMAGES / f"report-{section}.png").is_file()
    page.mouse.click(*opened.place(12, 600_000))
    for _ in range(5):
        page.keyboard.press("+")
    lines = opened.tooltip(10, 0.35 * opened.view[0] + 0.65 * opened.view[1])
    assert lines[0].startswith("conv9_partial") and lines[1] == "node conv29"
    assert lines[2].startswith("cycles")
    opened.settle()
    page.screenshot(
        path=folder / "report-tooltip.png", clip=page.locator("#timeline").bounding_box()
    )
    assert all((IMAGES / f"{name}.png").is_file() for name in ("report-tooltip", "plot"))
