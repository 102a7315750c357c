// One line a row: a number with its interval, the times of all calls, the sparsity of each layer.

// Lines with the rows' names at the left, or above where there is no room; `draw` fills one line.
const namedLines = (plot, rows, names, draw, { line = 26 } = {}) => {
  const narrow = plot.width < 560;
  const left = narrow ? 12 : Math.min(20 + Math.max(...names.map((name) => widthOf(name))), 0.42 * plot.width);
  const height = narrow ? line + 16 : line;
  const room = narrow ? plot.width - 16 : left - 14;
  const [top, right] = [6, plot.width - 18];
  const bottom = top + height * rows.length;
  plot.height = bottom + 44;
  const finish = (scale, title) => {
    plot.xAxis(scale, top, bottom, title);
    rows.forEach((row, place) => {
      const y = top + height * place + (narrow ? height - 13 : height / 2);
      plot.add(svg("text", { class: "label", "data-row": row.number, x: narrow ? left : left - 12, y: narrow ? y - 12 : y + 4, "text-anchor": narrow ? "start" : "end" }, shortened(names[place], room)));
      draw(row, place, y, scale);
    });
  };
  return { left, right, finish };
};
const nameOf = (row) => row.name;

const dots = () => {
  const options = data.metrics.filter((metric) => data.rows.some((row) => metric.name in row.cells)).map((metric) => [metric.name, metric.title]);
  let name = ["test_accuracy", "van_rossum_loss"].find((each) => options.some(([known]) => known === each)) ?? options[0]?.[0];
  if (!name) return null;
  let log = null;
  const paint = (plot) => {
    const metric = metrics.get(name);
    const rows = store.rows().filter((row) => name in row.cells);
    if (!rows.length) return false;
    rows.sort((a, b) => ranked(b, name) - ranked(a, name) || (metric.better === "more" ? -1 : 1) * (value(a, name) - value(b, name)));
    const seeds = (row) => (name === "test_accuracy" ? row.seeds.filter((each) => each !== null).map((each) => 100 * each) : []);
    const high = (row) => (name === "latency_ms" && value(row, "latency_p95_ms")) || null;
    const lines = namedLines(plot, rows, rows.map(nameOf), (row, _, y, scale) => {
      const x = scale.place(value(row, name));
      const parts = [];
      if (ends(row, name)) parts.push(bar(row, scale.place(ends(row, name)[0]), y, scale.place(ends(row, name)[1]), y, 2.4));
      if (seeds(row).length > 1) for (const each of seeds(row)) parts.push(svg("line", { class: "seed", x1: scale.place(each), x2: scale.place(each), y1: y + 5, y2: y + 10 }));
      const notes = [row.name, told(row, name)];
      if (high(row)) {
        parts.push(svg("line", { class: `stroke thin c${row.look[0]}`, x1: x, x2: scale.place(high(row)), y1: y, y2: y }), plot.at(scale.place(high(row)), y, marker(row, 0.85, true)));
        notes.push(told(row, "latency_p95_ms"));
      }
      if (seeds(row).length > 1) notes.push(`Seeds: ${seeds(row).map((each) => short(each)).join(", ")}`);
      plot.mark(row, notes.join("\n"), parts, plot.at(x, y, marker(row, 1.15), hit()));
    });
    const middle = rows.map((row) => value(row, name));
    const kind = log === null ? fitting(middle, metric.unit) : log ? logarithm(metric.unit) : "linear";
    box.querySelector("input").checked = kind !== "linear";
    const spread = rows.flatMap((row) => [...(ends(row, name) ?? []), ...seeds(row), ...(high(row) ? [high(row)] : [])]);
    lines.finish(scaled([...middle, ...spread], kind, lines.left, lines.right, { unit: metric.unit, most: (lines.right - lines.left) / 80 }), titled(name));
  };
  const box = check("log", false, (on) => { log = on; plot.draw(); });
  const pick = choice("Show", options, name, (chosen) => { name = chosen; log = null; plot.draw(); });
  const plot = new Plot("One number, row by row", "Filled: the value with its 95 % interval, best on top. Ticks: single seeds. Hollow: 95th percentile of the latency.", paint, { controls: [pick, box] });
  return plot;
};

// From the first to the last percentile; thick: the middle half.
const spread = () => {
  if (!data.rows.some((row) => row.latencies)) return null;
  const quantile = (row, percent) => row.latencies[percent === 1 ? 0 : percent === 99 ? 20 : percent / 5];
  const paint = (plot) => {
    const rows = store.rows().filter((row) => row.latencies).sort((a, b) => a.refuted - b.refuted || quantile(a, 50) - quantile(b, 50));
    if (!rows.length) return false;
    const lines = namedLines(plot, rows, rows.map(nameOf), (row, _, y, scale) => {
      const at = (percent) => scale.place(quantile(row, percent));
      const line = (from, to, width) => svg("line", { class: `stroke c${row.look[0]}`, x1: at(from), x2: at(to), y1: y, y2: y, "stroke-width": width, opacity: width > 6 ? 1 : 0.55 });
      const text = `${row.name}\nmedian ${short(quantile(row, 50))} ms\nhalf of the calls: ${short(quantile(row, 25))} to ${short(quantile(row, 75))} ms\n5 to 95 %: ${short(quantile(row, 5))} to ${short(quantile(row, 95))} ms\n1 to 99 %: ${short(quantile(row, 1))} to ${short(quantile(row, 99))} ms`;
      plot.mark(row, text, line(1, 99, 1.4), line(5, 95, 5), line(25, 75, 10), svg("line", { class: "median", x1: at(50), x2: at(50), y1: y - 5, y2: y + 5 }), svg("rect", { class: "hit", x: at(1) - 4, y: y - 11, width: at(99) - at(1) + 8, height: 22 }));
    });
    const values = rows.flatMap((row) => [row.latencies[0], row.latencies[20]]);
    lines.finish(scaled(values, fitting(values), lines.left, lines.right, { most: (lines.right - lines.left) / 80 }), "latency of one call, ms");
  };
  return new Plot("How latency varies from call to call", "All timed calls of one sample. Thin: 1 to 99 % of them. Middle: 5 to 95 %. Thick: the middle half, with the median.", paint);
};

const sparsity = () => {
  if (!data.rows.some((row) => row.layers)) return null;
  const paint = (plot) => {
    const rows = store.rows().filter((row) => row.layers);
    if (!rows.length) return false;
    const whole = (row) => value(row, "activation_sparsity");
    rows.sort((a, b) => a.refuted - b.refuted || (whole(b) ?? 0) - (whole(a) ?? 0));
    const lines = namedLines(plot, rows, rows.map(nameOf), (row, _, y, scale) => {
      row.layers.forEach(([name, share], place) => {
        const text = `${row.name}\n${name}: ${short(100 * share)} % of activations are 0`;
        plot.mark(row, text, plot.at(scale.place(100 * share), y + 1, marker(row, 1, true), svg("text", { class: "number", y: -8, "text-anchor": "middle" }, String(place + 1)), hit(8)));
      });
      if (whole(row) !== null) plot.mark(row, `${row.name}\n${told(row, "activation_sparsity")}`, plot.at(scale.place(whole(row)), y + 1, marker(row, 1.15), hit(8)));
    }, { line: 31 });
    const values = rows.flatMap((row) => [...row.layers.map(([, share]) => 100 * share), whole(row) ?? 100]);
    lines.finish(scaled(values, "linear", lines.left, lines.right, { unit: FRACTION, most: (lines.right - lines.left) / 80 }), "zeros among the activations, % · more is better");
  };
  return new Plot("Sparsity, layer by layer", "Filled: the whole network, on the test data. Hollow: each layer, numbered from the input on.", paint);
};
