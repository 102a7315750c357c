// Brings the page to life. Without this script the tables, the cards and the figures' files are there.
const legend = (place) => {
  const chips = numbers.map((number) => {
    return button("", () => {
      store.chosen.has(number) ? store.chosen.delete(number) : store.chosen.add(number);
      store.changed();
    }, { class: "chip", "data-row": number });
  });
  chips.forEach((chip, place) => chip.append(swatch(byNumber.get(numbers[place])), byNumber.get(numbers[place]).name));
  const every = (chosen) => () => {
    store.chosen = new Set(chosen);
    store.changed();
  };
  const ends = [button("All", every(numbers), { class: "chip plain" }), button("None", every([]), { class: "chip plain" })];
  const note = html("small");
  const update = () => {
    for (const chip of chips) {
      const number = Number(chip.dataset.row);
      chip.setAttribute("aria-pressed", String(store.chosen.has(number)));
      chip.hidden = !store.passing.has(number);
    }
    const drawn = numbers.filter((number) => store.chosen.has(number) && store.passing.has(number));
    note.textContent = drawn.length < numbers.length ? `${drawn.length} of ${numbers.length} rows are drawn.` : "";
  };
  store.listeners.push(update);
  update();
  place.append(...chips, ...ends, note);
  place.hidden = false;
};

const tables = all("table.sortable");
tables.forEach((table, place) => {
  sortable(table);
  openable(table);
  const tools = document.querySelector(`.tools[data-for="${table.id}"]`);
  tools.append(columnPicker(table), ...(place ? [] : [...filters(), html("span", { class: "downloads" }, downloads())]));
  tools.hidden = false;
});

const place = document.querySelector(".figures.explore");
if (place) {
  const makers = data.kind === "layers" ? [sizes, scaling] : [tradeoff, dots, spread, batches, bySteps, strengths, training, sparsity, spikes, mistakes];
  document.getElementById("explore").hidden = false;
  const plots = makers.map((make) => make()).filter(Boolean);
  place.append(...plots.map((plot) => plot.figure));
  const draw = () => plots.forEach((plot) => plot.draw());
  store.listeners.push(draw);
  if (numbers.length > 1) legend(document.querySelector(".legend"));
  draw();
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== width) {
      width = place.clientWidth;
      draw();
    }
  }).observe(place);
}

// The matrix of a card is drawn when the card opens.
const late = [];
for (const spot of all(".confusion")) {
  const row = byNumber.get(Number(spot.dataset.of));
  if (!row?.confusion) continue;
  const plot = new Plot("Confusion", "Down: the true class. Across: the predicted one. All seeds together.", (own) => confusion(own, row));
  spot.append(plot.figure);
  late.push(plot);
  spot.closest("details").addEventListener("toggle", (event) => event.target.open && plot.draw());
}

// A table that goes on to the right shows it.
for (const box of all(".scroll")) {
  const hint = () => box.classList.toggle("more", box.scrollWidth - box.clientWidth - box.scrollLeft > 2);
  box.addEventListener("scroll", hint, { passive: true });
  new ResizeObserver(hint).observe(box);
  if (box.firstElementChild) new ResizeObserver(hint).observe(box.firstElementChild);
}

// A link to a card opens it; on paper nothing stays behind a fold.
const reveal = () => {
  const card = location.hash.startsWith("#row-") && document.getElementById(location.hash.slice(1));
  if (card) card.open = true;
};
window.addEventListener("hashchange", reveal);
reveal();
let folded = [];
window.addEventListener("beforeprint", () => {
  closeRows();
  hideTip();
  folded = all("details:not([open]):not(.picker)");
  for (const each of folded) each.open = true;
  for (const plot of late) plot.draw();
});
window.addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
});
