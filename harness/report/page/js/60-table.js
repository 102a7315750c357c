// The table of results: sorted, filtered, with the columns that a reader chooses; a row opens into its card.
const FILTERS = [["framework", "Framework"], ["family", "Network"], ["preset", "Preset"], ["task", "Task"], ["device", "Device"]];

const sortable = (table) => {
  const headers = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const keyOf = (row, column) => row.cells[column].dataset.sort;
  const refuted = (row) => Boolean(byNumber.get(Number(row.dataset.row))?.refuted);
  const compare = (column, numeric, sign) => (one, other) => {
    if (refuted(one) !== refuted(other)) return refuted(one) - refuted(other);
    const [a, b] = [keyOf(one, column), keyOf(other, column)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
  };
  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      closeRows();
      const now = header.getAttribute("aria-sort");
      const turned = now === "ascending" ? "descending" : "ascending";
      const order = now ? turned : header.dataset.first;
      headers.forEach((each) => each.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", order);
      body.append(...[...body.rows].sort(compare(column, header.dataset.kind === "number", order === "ascending" ? 1 : -1)));
    });
  });
};

// Which columns are shown: a box for each, by group.
const columnPicker = (table) => {
  const headers = [...table.tHead.rows[0].cells];
  const show = (column, shown) => {
    for (const row of table.rows) row.cells[column]?.classList.toggle("off", !shown);
  };
  const groups = new Map();
  headers.forEach((header, column) => {
    const shown = "shown" in header.dataset;
    show(column, shown);
    if (!column) return;
    const box = check(header.textContent, shown, (on) => { closeRows(); show(column, on); count(); });
    groups.set(header.dataset.group, [...(groups.get(header.dataset.group) ?? []), box]);
  });
  const boxes = () => [...groups.values()].flat().map((box) => box.querySelector("input"));
  const summary = html("summary", {});
  const count = () => summary.replaceChildren(`Columns: ${boxes().filter((box) => box.checked).length} of ${headers.length - 1}`);
  count();
  const every = (on) => () => {
    for (const box of boxes()) if (box.checked !== on) box.click();
  };
  const lists = [...groups].map(([group, own]) => html("fieldset", {}, html("legend", {}, group), own));
  const picker = html("details", { class: "picker" }, summary, html("div", { class: "choices" }, html("div", { class: "both" }, button("All", every(true)), button("None", every(false))), lists));
  document.addEventListener("click", (event) => picker.contains(event.target) || (picker.open = false));
  picker.addEventListener("keydown", (event) => event.key === "Escape" && (picker.open = false));
  return picker;
};

const filters = () => {
  const wanted = {};
  let words = "";
  const update = () => {
    closeRows();
    const passes = (row) => Object.entries(wanted).every(([field, want]) => !want || row[field] === want) && row.name.toLowerCase().includes(words);
    store.passing = new Set(data.rows.filter(passes).map((row) => row.number));
    for (const line of all("table.results tr[data-row]")) line.hidden = !store.passing.has(Number(line.dataset.row));
    store.changed();
  };
  const boxes = [];
  if (numbers.length > 3) {
    const search = html("input", { type: "search", placeholder: "name", size: 12, oninput: () => { words = search.value.trim().toLowerCase(); update(); } });
    boxes.push(html("label", { class: "choice" }, html("span", {}, "Find"), search));
  }
  for (const [field, title] of FILTERS) {
    const values = [...new Set(data.rows.map((row) => row[field]).filter(Boolean))].sort();
    if (values.length > 1 || (field === "family" && values.length)) {
      boxes.push(choice(title, [["", "all"], ...values.map((each) => [each, each])], "", (chosen) => { wanted[field] = chosen; update(); }));
    }
  }
  return boxes;
};

// What the page holds, as a file; a text that a spreadsheet would take for a formula is none.
const save = (name, type, text) => {
  const link = html("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const cellOf = (text) => {
  const safe = /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : String(text);
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
const asCsv = () => {
  const fields = ["name", "framework", "family", "task", "preset", "device", "neurons", "inputs"].filter((field) => data.rows.some((row) => row[field]));
  const head = [...fields, ...data.metrics.flatMap(({ name }) => [name, `${name}_low`, `${name}_high`])];
  const lines = data.rows.map((row) => [...fields.map((field) => row[field] ?? ""), ...data.metrics.flatMap(({ name }) => (row.cells[name] ?? []).slice(0, 3).concat(["", "", ""]).slice(0, 3).map((each) => each ?? ""))]);
  return [head, ...lines].map((line) => line.map(cellOf).join(",")).join("\n");
};
const downloads = () => [button("CSV", () => save("summary.csv", "text/csv", asCsv()), { title: "All rows and columns, as CSV" }), button("JSON", () => save("report.json", "application/json", JSON.stringify(data, null, 1)), { title: "All rows, columns and curves, as JSON" })];

// Cards stand below; an open row borrows its own.
const opened = new Map();
const closeRow = (line) => {
  const { card, home, link } = opened.get(line);
  home.replaceWith(card);
  card.open = false;
  line.nextElementSibling.remove();
  link.setAttribute("aria-expanded", "false");
  opened.delete(line);
};
const closeRows = () => [...opened.keys()].forEach(closeRow);
const openRow = (line, link) => {
  const card = document.getElementById(`row-${line.dataset.row}`);
  const home = html("span", { hidden: true });
  card.replaceWith(home);
  card.open = true;
  line.after(html("tr", { class: "opened" }, html("td", { colspan: line.cells.length }, html("div", { class: "inside" }, card))));
  link.setAttribute("aria-expanded", "true");
  opened.set(line, { card, home, link });
};
const openable = (table) => {
  for (const link of all("tbody th a", table)) {
    const line = link.closest("tr");
    link.setAttribute("role", "button");
    link.setAttribute("aria-expanded", "false");
    const press = (event) => {
      event.preventDefault();
      if (opened.has(line)) closeRow(line);
      else openRow(line, link);
    };
    link.addEventListener("click", press);
    link.addEventListener("keydown", (event) => event.key === " " && press(event));
  }
};
