// Elements, and the run's data. Text from a run is only ever set as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);

const made = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
};
const html = (tag, attributes = {}, ...children) => made(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  made(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// A row's marker; `hollow` shows the paper through it.
const marker = (row, size = 1, hollow = false) =>
  svg("path", {
    d: data.shapes[row.look[1]],
    transform: `scale(${size})`,
    class: hollow ? `hollow c${row.look[0]}` : `solid c${row.look[0]}`,
  });
const swatch = (row) => svg("svg", { class: "swatch", viewBox: "-6 -6 12 12", "aria-hidden": "true" }, marker(row));

const choice = (label, options, chosen, change) => {
  const select = html("select", { onchange: () => change(select.value) });
  for (const [value, text] of options) select.append(html("option", { value, selected: value === chosen }, text));
  return html("label", { class: "choice" }, html("span", {}, label), select);
};
const check = (label, checked, change) => {
  const box = html("input", { type: "checkbox", checked, onchange: () => change(box.checked) });
  return html("label", { class: "check" }, box, label);
};
const button = (text, press, attributes = {}) => html("button", { type: "button", onclick: press, ...attributes }, text);
