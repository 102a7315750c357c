// Whether a row's number may be the best: not refuted, nor a lower bound.
const ranked = (row, name) => !row.refuted && !row.lowerBounds.includes(name);

// One number against another, with the rows that no other row beats in both.
const front = (points, [x, y]) => {
  const sign = (name) => (metrics.get(name).better === "more" ? 1 : -1);
  const beats = (one, other) => {
    const [a, b] = [sign(x) * (one.x - other.x), sign(y) * (one.y - other.y)];
    return a >= 0 && b >= 0 && (a > 0 || b > 0);
  };
  return points.filter((point) => !points.some((other) => beats(other, point))).sort((a, b) => a.x - b.x || a.y - b.y);
};

// A name beside its point where it covers no other one; none where there is no room.
const nameIt = (plot, points, right) => {
  const taken = points.map(({ px, py }) => [px - 7, py - 7, px + 7, py + 7]);
  const free = (box) => box[0] > 2 && box[2] < right && box[1] > 20 && box[3] < plot.height - 44 && !taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
  for (const { row, px, py, first } of [...points].sort((a, b) => b.first - a.first)) {
    const name = shortened(row.name, 215);
    const width = widthOf(name, { weight: first ? 650 : 400 });
    const spots = [[px + 11, py + 4, "start"], [px - 11, py + 4, "end"], [px, py - 12, "middle"], [px, py + 20, "middle"], [px + 9, py - 9, "start"], [px + 9, py + 17, "start"], [px - 9, py - 9, "end"], [px - 9, py + 17, "end"]];
    for (const [x, y, anchor] of spots) {
      const left = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
      const box = [left, y - 11, left + width, y + 3];
      if (free(box)) {
        taken.push(box);
        plot.add(svg("text", { class: `label${first ? " first" : ""}`, x, y, "text-anchor": anchor, "data-row": row.number }, name));
        break;
      }
    }
  }
};

const tradeoff = () => {
  const having = (name) => data.rows.filter((row) => name in row.cells).length;
  const options = data.metrics.filter((metric) => metric.better && having(metric.name) > 1).map((metric) => [metric.name, metric.title]);
  const first = (...names) => names.find((name) => options.some(([known]) => known === name)) ?? options[0]?.[0];
  const axes = { x: first("synops_effective", "latency_ms", "train_seconds"), y: first("test_accuracy", "van_rossum_loss") };
  if (options.length < 2 || axes.x === axes.y) return null;
  const log = { x: null, y: null };

  const paint = (plot) => {
    plot.height = Math.max(340, Math.min(460, plot.width * 0.5));
    const points = store.rows().filter((row) => axes.x in row.cells && axes.y in row.cells);
    if (!points.length) return false;
    const [left, right, top, bottom] = [52, plot.width - 16, 30, plot.height - 46];
    const make = (axis, from, to, most) => {
      const unit = metrics.get(axes[axis]).unit;
      const middle = points.map((row) => value(row, axes[axis]));
      const kind = log[axis] === null ? fitting(middle, unit) : log[axis] ? logarithm(unit) : "linear";
      const spread = kind === "linear" ? points.flatMap((row) => ends(row, axes[axis]) ?? []) : [];
      return scaled([...middle, ...spread], kind, from, to, { unit, most, pad: 0.09 });
    };
    const [x, y] = [make("x", left, right, plot.width / 90), make("y", bottom, top, 7)];
    boxes.forEach(([axis, box]) => (box.querySelector("input").checked = (axis === "x" ? x : y).kind !== "linear"));
    plot.yAxis(y, left, right, titled(axes.y));
    plot.xAxis(x, top, bottom, titled(axes.x));
    const placed = points.map((row) => ({ row, x: value(row, axes.x), y: value(row, axes.y), px: x.place(value(row, axes.x)), py: y.place(value(row, axes.y)) }));
    const best = front(placed.filter(({ row }) => ranked(row, axes.x) && ranked(row, axes.y)), [axes.x, axes.y]);
    const more = metrics.get(axes.x).better === "more";
    let path = "";
    best.forEach(({ px, py }, place) => {
      // What lies between two of the front is reached by neither: stairs, no slope.
      if (!place) path = `M${px} ${py}`;
      else path += more ? `V${py}H${px}` : `H${px}V${py}`;
    });
    plot.add(svg("path", { class: "front", d: path }));
    for (const { row, px, py } of placed) {
      const bars = [];
      const [ex, ey] = [ends(row, axes.x), ends(row, axes.y)];
      if (ex) bars.push(bar(row, Math.max(x.place(ex[0]), left), py, Math.min(x.place(ex[1]), right), py, 1.4));
      if (ey) bars.push(bar(row, px, Math.min(y.place(ey[0]), bottom), px, Math.max(y.place(ey[1]), top), 1.4));
      plot.mark(row, `${row.name}\n${told(row, axes.y)}\n${told(row, axes.x)}`, bars, plot.at(px, py, marker(row, 1.25), hit()));
    }
    for (const point of placed) point.first = best.includes(point);
    nameIt(plot, placed, right + 12);
  };

  const redraw = (axis) => (name) => {
    axes[axis] = name;
    log[axis] = null;
    plot.draw();
  };
  const boxes = ["x", "y"].map((axis) => [axis, check(`log ${axis}`, false, (on) => { log[axis] = on; plot.draw(); })]);
  const controls = [choice("Across", options, axes.x, redraw("x")), choice("Up", options, axes.y, redraw("y")), ...boxes.map(([, box]) => box)];
  const plot = new Plot("What you gain and what you pay", "The dashed line joins the rows that no other row beats in both (the Pareto front), without refuted rows and operations that were not all counted. Bars: 95 % intervals. Accuracy on a log axis: logarithmic in the error.", paint, { wide: true, controls });
  return plot;
};
