"use strict";
// Sorts a table by the column whose header button is pressed: once upwards, again downwards.
// Cells without a number stay last in both directions.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const keyOf = (row, column) => row.cells[column].dataset.sort;

  const compare = (column, numeric, sign) => (one, other) => {
    const [a, b] = [keyOf(one, column), keyOf(other, column)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
  };

  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      const upwards = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((each) => each.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", upwards ? "ascending" : "descending");
      const numeric = header.dataset.kind === "number";
      body.append(...[...body.rows].sort(compare(column, numeric, upwards ? 1 : -1)));
    });
  });
}
