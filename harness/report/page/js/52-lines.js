// Curves: accuracy by step, training by epoch, a layer's time by its size. Bands: lowest to highest seed.

const curves = (plot, lines, { x, y, xTitle, yTitle, unit = "" }) => {
  const bottom = plot.height - 46;
  plot.yAxis(y, 52, plot.width - 14, yTitle);
  plot.xAxis(x, 30, bottom, xTitle);
  const path = (xs, ys) => xs.map((each, n) => `${n ? "L" : "M"}${x.place(each).toFixed(1)} ${y.place(ys[n]).toFixed(1)}`).join("");
  for (const { row, band: [xs, mean, low, high] } of lines) {
    if (!low || xs.length < 2) continue;
    const back = path([...xs].reverse(), [...low].reverse()).replace("M", "L");
    plot.add(svg("path", { class: `band c${row.look[0]}`, d: `${path(xs, high)}${back}Z`, "data-row": row.number }));
  }
  for (const { row, band: [xs, mean, low, high], noun } of lines) {
    const last = xs.length - 1;
    const [from, to] = [mean[0], mean[last]].map((each) => short(each) + unit);
    const node = plot.mark(row, last ? `${row.name}\nfrom ${from} at ${noun} ${short(xs[0])}\nto ${to} at ${noun} ${short(xs[last])}` : `${row.name}\n${to}`,
      svg("path", { class: "hit", d: path(xs, mean) }),
      svg("path", { class: `curve c${row.look[0]}`, d: path(xs, mean), "stroke-dasharray": DASHES[row.look[2]] }),
      xs.length <= 20 ? xs.map((each, n) => plot.at(x.place(each), y.place(mean[n]), marker(row, 0.8))) : []);
    node.addEventListener("pointermove", (event) => {
      const left = plot.svg.getBoundingClientRect();
      const at = ((event.clientX - left.x) / left.width) * plot.width;
      const near = xs.reduce((best, each, n) => (Math.abs(x.place(each) - at) < Math.abs(x.place(xs[best]) - at) ? n : best), 0);
      const range = low ? `\nseeds: ${short(low[near])} to ${short(high[near])}${unit}` : "";
      showTip(`${row.name}\n${noun} ${short(xs[near])}: ${short(mean[near])}${unit}${range}`, event.clientX, event.clientY);
    });
  }
};

const lineScales = (plot, lines, xs, unit, wanted) => {
  plot.height = 340;
  const values = lines.flatMap(({ band }) => band.slice(1).flat()).filter(Number.isFinite);
  // Zeros, and what is 10 000 times below the highest value, have no place on a logarithmic axis.
  const highest = Math.max(...values);
  const kind = wanted ?? (highest > 0 && Math.min(...values) >= 0 ? fitting(values.filter((each) => each > highest / 1e4), unit) : "linear");
  const kept = kind === "log" ? values.filter((each) => each > highest / 1e4) : values;
  const x = scaled(xs, "linear", 52, plot.width - 18, { most: plot.width / 90, pad: 0.02 });
  x.ticks = x.ticks.filter(Number.isInteger); // steps and epochs are counted
  return { x, y: scaled(kept, kind, plot.height - 46, 30, { unit, most: 6 }) };
};

const bySteps = () => {
  if (!data.rows.some((row) => row.steps?.[0].length > 1)) return null;
  const paint = (plot) => {
    const lines = store.rows().filter((row) => row.steps).map((row) => ({ row, band: row.steps, noun: "step" }));
    if (!lines.length) return false;
    const scales = lineScales(plot, lines, lines.flatMap(({ band }) => band[0]), FRACTION);
    curves(plot, lines, { ...scales, xTitle: "time steps seen", yTitle: "test accuracy, %", unit: " %" });
  };
  return new Plot("Accuracy by time step", "The prediction after each simulated step. Band: lowest to highest seed. Networks without time steps are not in it.", paint);
};

// Accuracy on samples that are changed more and more, one change at a time.
const strengths = () => {
  const names = [...new Set(data.rows.flatMap((row) => Object.keys(row.under ?? {})))];
  if (!names.length) return null;
  let name = names[0];
  const paint = (plot) => {
    const lines = store.rows().filter((row) => row.under?.[name]).map((row) => ({ row, band: row.under[name], noun: "strength" }));
    if (!lines.length) return false;
    const scales = lineScales(plot, lines, lines.flatMap(({ band }) => band[0]), FRACTION);
    curves(plot, lines, { ...scales, xTitle: name, yTitle: "test accuracy, %", unit: " %" });
  };
  const pick = choice("Show", names.map((each) => [each, each]), name, (chosen) => { name = chosen; plot.draw(); });
  const plot = new Plot("Accuracy under noise", "The same networks, on test samples that are changed more and more; every row got the same draws. Band: lowest to highest seed.", paint, { controls: [pick] });
  return plot;
};

const training = () => {
  const names = [...new Set(data.rows.flatMap((row) => Object.keys(row.history ?? {})))];
  if (!names.length) return null;
  let name = names.includes("loss") ? "loss" : names[0];
  let log = null;
  const paint = (plot) => {
    const lines = store.rows().filter((row) => row.history?.[name]).map((row) => ({ row, band: row.history[name], noun: "epoch" }));
    if (!lines.length) return false;
    const scales = lineScales(plot, lines, lines.flatMap(({ band }) => band[0]), "", log === null ? undefined : log ? "log" : "linear");
    box.querySelector("input").checked = scales.y.kind === "log";
    curves(plot, lines, { ...scales, xTitle: "epoch", yTitle: name });
  };
  const box = check("log", false, (on) => { log = on; plot.draw(); });
  const pick = choice("Show", names.map((each) => [each, each]), name, (chosen) => { name = chosen; log = null; plot.draw(); });
  const plot = new Plot("Training", "Means by epoch over training batches. Losses of different methods are different quantities: compare their course only.", paint, { controls: [pick, box] });
  return plot;
};

// How many samples a second, in batches of which size.
const batches = () => {
  const names = [...new Set(data.rows.flatMap((row) => Object.keys(row.sweeps ?? {})))];
  if (!names.length) return null;
  let name = names[0];
  const paint = (plot) => {
    const lines = store.rows().filter((row) => row.sweeps?.[name]).map((row) => ({ row, band: row.sweeps[name], noun: "batch" }));
    if (!lines.length) return false;
    plot.height = 340;
    const x = scaled(lines.flatMap(({ band }) => band[0]), "log", 52, plot.width - 18, { most: plot.width / 90, pad: 0.03 });
    x.ticks = [...new Set(lines.flatMap(({ band }) => band[0]))].sort((a, b) => a - b).filter((_, place, all) => place % Math.ceil(all.length / (plot.width / 60)) === 0);
    const rates = lines.flatMap(({ band }) => band[1]);
    const y = scaled(rates, fitting(rates), plot.height - 46, 30);
    curves(plot, lines, { x, y, xTitle: "batch size", yTitle: "samples a second · more is better", unit: " / s" });
  };
  const pick = choice("Show", names.map((each) => [each, { inference: "inference", train: "training" }[each] ?? each]), name, (chosen) => { name = chosen; plot.draw(); });
  const plot = new Plot("Throughput by batch size", "Batches doubled from 1 until the rate is flat.", paint, { controls: [pick] });
  return plot;
};

// Layers of several sizes, with the least time that the device needs.
const scaling = () => {
  const drawn = data.rows.filter((row) => row.equal);
  const inputs = [...new Set(drawn.map((row) => row.inputs))];
  const options = data.metrics.filter((metric) => drawn.some((row) => metric.name in row.cells)).map((metric) => [metric.name, metric.title]);
  let name = options.some(([known]) => known === "total_ms") ? "total_ms" : options[0]?.[0];
  let input = inputs[0];
  if (!name || new Set(drawn.map((row) => row.neurons)).size < 2) return null;
  const paint = (plot) => {
    const rows = drawn.filter((row) => row.inputs === input && store.shows(row) && name in row.cells);
    if (!rows.length) return false;
    plot.height = 380;
    const unit = metrics.get(name).unit;
    const bounds = new Map(rows.map((row) => [row.neurons, row.bounds[name.replace("_ms", "")]]).filter(([, bound]) => bound));
    const values = [...rows.map((row) => value(row, name)), ...bounds.values()];
    const x = scaled(rows.map((row) => row.neurons), "log", 52, plot.width - 18, { most: plot.width / 90 });
    x.ticks = [...new Set(rows.map((row) => row.neurons))].sort((a, b) => a - b);
    const y = scaled(values, fitting(values, unit) === "linear" ? "linear" : logarithm(unit), plot.height - 46, 30, { unit });
    const lines = [...new Set(rows.map((row) => row.number))].map((number) => {
      const own = rows.filter((row) => row.number === number).sort((a, b) => a.neurons - b.neurons);
      return { row: own[0], band: [own.map((row) => row.neurons), own.map((row) => value(row, name))], noun: "neurons" };
    });
    curves(plot, lines, { x, y, xTitle: "neurons", yTitle: titled(name) });
    const least = [...bounds].sort(([a], [b]) => a - b).map(([neurons, bound], n) => `${n ? "L" : "M"}${x.place(neurons)} ${y.place(bound)}`).join("");
    if (least) plot.add(svg("path", { class: "front", d: least }), svg("text", { class: "label", x: plot.width - 18, y: y.place([...bounds.values()].pop()) - 8, "text-anchor": "end" }, "roofline"));
  };
  const controls = [choice("Show", options, name, (chosen) => { name = chosen; plot.draw(); })];
  if (inputs.length > 1) controls.push(choice("Inputs", inputs.map((each) => [each, each]), input, (chosen) => { input = chosen; plot.draw(); }));
  const plot = new Plot("Time and memory by size", "Medians. Dashed: the roofline, the least time that this device needs.", paint, { wide: true, controls });
  return plot;
};

// Layers of one size: a line for each framework.
const sizes = () => {
  const drawn = data.rows.filter((row) => row.equal);
  const groups = [...new Set(drawn.map((row) => `${row.neurons} neurons, ${row.inputs}`))];
  const options = data.metrics.filter((metric) => drawn.some((row) => metric.name in row.cells)).map((metric) => [metric.name, metric.title]);
  let name = options.some(([known]) => known === "total_ms") ? "total_ms" : options[0]?.[0];
  let group = groups[groups.length - 1];
  if (!name) return null;
  const paint = (plot) => {
    const rows = drawn.filter((row) => `${row.neurons} neurons, ${row.inputs}` === group && store.shows(row) && name in row.cells);
    if (!rows.length) return false;
    rows.sort((a, b) => (metrics.get(name).better === "more" ? -1 : 1) * (value(a, name) - value(b, name)));
    const lines = namedLines(plot, rows, rows.map(nameOf), (row, _, y, scale) => {
      const bound = row.bounds[name.replace("_ms", "")];
      const parts = ends(row, name) ? [bar(row, scale.place(ends(row, name)[0]), y, scale.place(ends(row, name)[1]), y, 2.4)] : [];
      if (bound) parts.push(svg("line", { class: "median", x1: scale.place(bound), x2: scale.place(bound), y1: y - 9, y2: y + 9 }));
      plot.mark(row, `${row.name}\n${told(row, name)}${bound ? `\nroofline ${short(bound)} ms` : ""}`, parts, plot.at(scale.place(value(row, name)), y, marker(row, 1.2), hit()));
    });
    const values = rows.flatMap((row) => [value(row, name), ...(ends(row, name) ?? []), ...(row.bounds[name.replace("_ms", "")] ? [row.bounds[name.replace("_ms", "")]] : [])]);
    lines.finish(scaled(values, fitting(values, metrics.get(name).unit), lines.left, lines.right, { unit: metrics.get(name).unit, most: (lines.right - lines.left) / 80 }), titled(name));
  };
  const controls = [choice("Show", options, name, (chosen) => { name = chosen; plot.draw(); })];
  if (groups.length > 1) controls.push(choice("Layer", groups.map((each) => [each, each]), group, (chosen) => { group = chosen; plot.draw(); }));
  const plot = new Plot("Framework by framework", "Median with its 95 % interval, the fastest on top. Upright line: the roofline, the least time that this device needs.", paint, { wide: true, controls });
  return plot;
};
