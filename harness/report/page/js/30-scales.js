// From values to places and back: linear, logarithmic, or logarithmic in what is missing to 100 %.
const FRACTION = "fraction";
const PREFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
const BINARY = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
const MORE = { more: "more is better", less: "less is better" };

const factorOf = (metric) => (metric?.unit === FRACTION ? 100 : 1);
const value = (row, name) => (name in row.cells ? row.cells[name][0] * factorOf(metrics.get(name)) : null);
const ends = (row, name) => {
  const [, low, high] = row.cells[name] ?? [];
  return low === null || low === undefined ? null : [low, high].map((end) => end * factorOf(metrics.get(name)));
};
const told = (row, name) => {
  const [, , , n, text] = row.cells[name];
  const { title, of } = metrics.get(name);
  return `${title} ${text}${n > 1 ? `, n = ${n} ${of}` : ""}`;
};
const titled = (name) => {
  const { title, unit, better } = metrics.get(name);
  const units = { fraction: "%", ms: "ms", s: "s", nJ: "nJ", J: "J", steps: "steps" };
  return [units[unit] ? `${title}, ${units[unit]}` : title, MORE[better]].filter(Boolean).join(" · ");
};

const short = (x, unit = "") => {
  const table = unit.startsWith("bytes") ? BINARY : PREFIXES;
  const [scale, prefix] = table.find(([least]) => Math.abs(x) >= least * 0.9995) ?? [1, ""];
  const text = String(Number((x / scale).toPrecision(4)));
  return prefix ? `${text} ${prefix}` : text;
};

const round = (low, high, most) => {
  const raw = (high - low) / Math.max(most, 1) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= raw * 0.999) ?? 10);
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
};
const decades = (low, high, most) => {
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(12)));
    }
    const inside = ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
    if (inside.length <= most + 1 || factors.length === 1) {
      const every = Math.ceil(inside.length / (most + 1));
      const kept = inside.filter((_, place) => place % every === 0);
      return kept.length > 1 ? kept : round(low, high, most);
    }
  }
};
const NINES = [0, 20, 40, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99];

// `kind` is linear, log or error; `from` and `to` are places in pixels.
const scaled = (values, kind, from, to, { most = 6, unit = "", pad = 0.06 } = {}) => {
  const known = values.filter((each) => Number.isFinite(each) && (kind !== "log" || each > 0) && (kind !== "error" || each < 100));
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const least = kind === "error" ? 100 - high : 0;
  const forward = { linear: (x) => x, log: (x) => Math.log10(Math.max(x, low / 10)), error: (x) => -Math.log10(Math.max(100 - x, least / 2)) }[kind];
  const back = { linear: (u) => u, log: (u) => 10 ** u, error: (u) => 100 - 10 ** -u }[kind];
  let [start, stop] = [forward(low), forward(high)];
  if (start === stop) [start, stop] = kind === "linear" ? [start - Math.abs(start || 1) / 2, stop + Math.abs(stop || 1) / 2] : [start - 0.3, stop + 0.3];
  const room = pad * (stop - start);
  [start, stop] = [start - room, stop + room];
  // No fraction is below 0 or above 100 %, and nothing positive needs an axis below 0.
  if (kind === "linear" && low >= 0) start = Math.max(start, unit === FRACTION ? -1 : -room);
  if (kind === "linear" && unit === FRACTION) stop = Math.min(stop, 101);
  const place = (x) => from + Math.min(1, Math.max(0, (forward(x) - start) / (stop - start))) * (to - from);
  const [bottom, top] = [back(start), back(stop)];
  const ticks = { linear: round, log: decades, error: () => NINES.filter((tick) => tick >= bottom && tick <= top) }[kind](bottom, top, most);
  return { place, ticks, kind, text: (x) => short(x, unit), low: bottom, high: top };
};

// The scale that shows `values` best: one value far from the others must not push these together.
const fitting = (values, unit = "") => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (unit === FRACTION) return high < 100 && 100 - low > 10 * (100 - high) ? "error" : "linear";
  return low > 0 && high > 10 * low ? "log" : "linear";
};
const logarithm = (unit) => (unit === FRACTION ? "error" : "log");
