// What was mistaken for what, and spikes over time: figures of one row.

const across = (x, y, text, upright) => upright
  ? svg("text", { class: "tick", transform: `translate(${x + 4} ${y + 6}) rotate(-90)`, "text-anchor": "end" }, text)
  : svg("text", { class: "tick", x, y: y + 15, "text-anchor": "middle" }, text);

const confusion = (plot, row) => {
  const table = row.confusion;
  const count = table.length;
  const called = (number) => data.classNames[number] ?? String(number);
  const tick = (number) => (called(number).length > 14 ? `${called(number).slice(0, 13)}…` : called(number));
  // Names need room on the left, and stand on end below.
  const named = data.classNames.length > 0;
  const room = named ? 12 + Math.max(...table.map((_, number) => widthOf(tick(number), { size: 11 }))) : 0;
  const [left, top] = [Math.max(40, room), 22];
  const side = Math.min(34, (plot.width - left - 6) / count);
  plot.height = top + side * count + Math.max(26, room);
  // Whole, else in thousands, else not at all: a number that is cut is another one.
  const counted = (n) => [String(n), ...(n < 1000 ? [] : [`${Math.round(n / 1000)} k`])].find((text) => widthOf(text, { size: 11 }) < side - 2) ?? "";
  plot.add(svg("text", { class: "axis", x: 2, y: 12 }, "true class, down; predicted, across"));
  table.forEach((line, actual) => {
    const sum = line.reduce((a, b) => a + b, 0);
    const y = top + side * actual;
    if (side >= 13 || actual % 5 === 0) plot.add(svg("text", { class: "tick", x: left - 6, y: y + side / 2 + 4, "text-anchor": "end" }, tick(actual)), across(left + side * (actual + 0.5), top + side * count, tick(actual), named));
    line.forEach((n, predicted) => {
      const share = sum ? n / sum : 0;
      const text = `${row.name}\ntrue ${called(actual)}, predicted ${called(predicted)}\n${n} of ${sum}, ${short(100 * share)} %`;
      const cell = svg("rect", { class: actual === predicted ? "right" : "wrong", x: left + side * predicted + 0.5, y: y + 0.5, width: side - 1, height: side - 1, "fill-opacity": n ? 0.12 + 0.88 * Math.sqrt(share) : 0.03 });
      const parts = n ? [svg("text", { class: `count${share > 0.35 ? " on" : ""}`, x: left + side * (predicted + 0.5), y: y + side / 2 + 4, "text-anchor": "middle" }, counted(n))] : [];
      plot.mark(row, text, cell, parts).removeAttribute("data-row");
    });
  });
};

const mistakes = () => {
  const rows = data.rows.filter((row) => row.confusion);
  if (!rows.length) return null;
  let chosen = rows[0];
  const pick = choice("Row", rows.map((row) => [String(row.number), row.name]), "", (number) => { chosen = byNumber.get(Number(number)); plot.draw(); });
  const plot = new Plot("What is mistaken for what", "Test samples of all seeds together; the darker, the larger its part of the true class.", (own) => confusion(own, chosen), { controls: [pick] });
  return plot;
};

const spikes = () => {
  const rows = data.rows.filter((row) => row.raster);
  if (!rows.length) return null;
  let chosen = rows[0];
  const paint = (plot) => {
    const { target, output, input } = chosen.raster;
    const [left, right, lane, dense] = [62, plot.width - 12, 22, 2.4];
    const top = 8;
    const middle = top + lane * target.length;
    const bottom = middle + 12 + dense * input.length;
    plot.height = bottom + 44;
    const ms = (step) => step * data.stepMs;
    const times = [...target, ...output, ...input].flat().map(ms);
    const x = scaled([0, ...times], "linear", left, right, { most: plot.width / 90, pad: 0.01 });
    plot.xAxis(x, top, bottom, "time, ms");
    target.forEach((wanted, neuron) => {
      const y = top + lane * (neuron + 0.5);
      const sent = output[neuron] ?? [];
      plot.add(svg("text", { class: "tick", x: left - 8, y: y + 4, "text-anchor": "end" }, `output ${neuron + 1}`));
      const parts = wanted.map((step) => svg("line", { class: "wanted", x1: x.place(ms(step)), x2: x.place(ms(step)), y1: y - 9, y2: y + 9 }));
      for (const step of sent) parts.push(svg("circle", { class: `solid c${chosen.look[0]}`, cx: x.place(ms(step)), cy: y, r: 4 }));
      const list = (steps) => steps.map((step) => short(ms(step))).join(", ") || "none";
      plot.mark(chosen, `${chosen.name}, output ${neuron + 1}\ntarget: ${list(wanted)} ms\noutput: ${list(sent)} ms`, parts, svg("rect", { class: "hit", x: left, y: y - lane / 2, width: right - left, height: lane }));
    });
    const faint = input.flatMap((steps, neuron) => steps.map((step) => `M${x.place(ms(step)).toFixed(1)} ${(middle + 12 + dense * neuron).toFixed(1)}h1.6`)).join("");
    plot.add(svg("path", { class: "input", d: faint }), svg("text", { class: "tick", x: left - 8, y: (middle + bottom) / 2 + 8, "text-anchor": "end" }, "inputs"));
  };
  const pick = choice("Row", rows.map((row) => [String(row.number), row.name]), "", (number) => { chosen = byNumber.get(Number(number)); plot.draw(); });
  const plot = new Plot("Output spikes and their targets", "Ticks: target spikes. Dots: output spikes of the first seed; a tick without a dot was missed, a dot without a tick is extra. Below: input spikes.", paint, { wide: true, controls: rows.length > 1 ? [pick] : [] });
  return plot;
};
