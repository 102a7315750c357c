// Which rows are drawn, and which one lights up. A row has one number everywhere: in tables, the legend, figures.
const MOST_AT_FIRST = 16;
const metrics = new Map(data.metrics.map((metric) => [metric.name, metric]));
// Of layers, many rows share the number of their framework.
const numbers = [...new Set(data.rows.map((row) => row.number))];
const byNumber = new Map(data.rows.map((row) => [row.number, row]));

const store = {
  chosen: new Set(numbers.slice(0, MOST_AT_FIRST)),
  passing: new Set(numbers),
  listeners: [],
  changed() {
    for (const listener of this.listeners) listener();
  },
  shows(row) {
    return this.chosen.has(row.number) && this.passing.has(row.number);
  },
  rows() {
    return data.rows.filter((row) => this.shows(row));
  },
  light(number) {
    document.body.classList.toggle("lighting", number !== null);
    for (const node of all(".lit")) node.classList.remove("lit");
    if (number !== null) for (const node of all(`[data-row="${number}"]`)) node.classList.add("lit");
  },
};

for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    const of = event.target.closest?.("[data-row]:not(details)");
    store.light(of ? Number(of.dataset.row) : null);
  });
}
document.addEventListener("pointerleave", () => store.light(null));
