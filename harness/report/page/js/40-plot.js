// A figure: its title, what can be chosen, a drawing that is as wide as its place, and a caption.
// One stop of the tab key; the arrows go from mark to mark, and each mark says what it is.
const tip = document.querySelector(".tip");

const showTip = (text, x, y) => {
  tip.replaceChildren(...text.split("\n").map((line, place) => html(place ? "div" : "strong", {}, line)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(x + 14, window.innerWidth - width - 8))}px`;
  tip.style.top = `${y - height - 12 < 8 ? y + 18 : y - height - 12}px`;
};
const hideTip = () => {
  tip.hidden = true;
};
document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
// What is pointed at moves away; what has the focus takes its words along.
const follow = () => {
  const node = document.activeElement;
  if (node?.matches(".mark")) node.dispatchEvent(new Event("focus"));
  else hideTip();
};
document.addEventListener("scroll", follow, { capture: true, passive: true });

// How wide this browser draws a text of a figure, and a text whose middle is left out where it has less room.
const ruler = document.createElement("canvas").getContext("2d");
const widthOf = (text, { size = 12, weight = 400 } = {}) => {
  ruler.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
};
const shortened = (text, room) => {
  let [shown, kept] = [text, text.length];
  while (kept > 4 && widthOf(shown) > room) {
    kept -= 1;
    shown = `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(-Math.floor(kept / 2))}`;
  }
  return shown;
};

class Plot {
  // `paint(plot)` draws, and returns false where there is nothing to draw of the chosen rows.
  constructor(title, caption, paint, { wide = false, controls = [] } = {}) {
    this.paint = paint;
    this.name = title;
    this.head = html("h3", {}, title);
    this.controls = html("div", { class: "controls" }, controls);
    this.place = html("div", { class: "plot" });
    this.caption = html("figcaption", {}, caption);
    this.figure = html("figure", { class: wide ? "wide" : null }, this.head, controls.length ? this.controls : null, this.place, this.caption);
    this.place.addEventListener("keydown", (event) => this.walk(event));
    this.place.addEventListener("pointerleave", hideTip);
  }

  draw() {
    this.width = Math.max(280, Math.round(this.place.clientWidth || 480));
    this.marks = [];
    this.svg = svg("svg", { role: "group", "aria-label": this.name });
    this.height = 300;
    if (this.paint(this) === false) {
      this.place.replaceChildren(html("p", { class: "muted" }, "None of the chosen rows has this."));
      return;
    }
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", this.height);
    this.marks.forEach((mark, place) => mark.setAttribute("tabindex", place ? -1 : 0));
    this.place.replaceChildren(this.svg);
  }

  add(...nodes) {
    this.svg.append(...nodes);
  }

  // A node that tells `text` where it is pointed at or has the focus.
  mark(row, text, ...nodes) {
    const node = svg("g", { class: "mark", role: "img", "aria-label": text.replaceAll("\n", ", "), "data-row": row.number }, nodes);
    node.addEventListener("pointerenter", (event) => showTip(text, event.clientX, event.clientY));
    node.addEventListener("pointerleave", hideTip);
    node.addEventListener("focus", () => {
      const box = node.getBoundingClientRect();
      showTip(text, box.x + box.width / 2, box.y);
    });
    node.addEventListener("blur", hideTip);
    this.marks.push(node);
    this.add(node);
    return node;
  }

  walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const here = this.marks.indexOf(document.activeElement);
    if (!step || here < 0) return;
    event.preventDefault();
    const next = this.marks[(here + step + this.marks.length) % this.marks.length];
    this.marks[here].setAttribute("tabindex", -1);
    next.setAttribute("tabindex", 0);
    next.focus();
  }

  xAxis(scale, top, bottom, title) {
    for (const tick of scale.ticks) {
      const x = scale.place(tick);
      this.add(svg("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }));
      this.add(svg("text", { class: "tick", x, y: bottom + 16, "text-anchor": "middle" }, scale.text(tick)));
    }
    const [from, to] = [scale.place(scale.low), scale.place(scale.high)];
    const note = scale.kind === "linear" ? "" : scale.kind === "log" ? ", log" : ", error log";
    this.add(svg("text", { class: "axis", x: (from + to) / 2, y: bottom + 36, "text-anchor": "middle" }, title + note));
  }

  yAxis(scale, left, right, title) {
    for (const tick of scale.ticks) {
      const y = scale.place(tick);
      this.add(svg("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }));
      this.add(svg("text", { class: "tick", x: left - 7, y: y + 4, "text-anchor": "end" }, scale.text(tick)));
    }
    const note = scale.kind === "linear" ? "" : scale.kind === "log" ? ", log" : ", error log";
    // Above its axis and not turned on its side: it is read without tilting the head.
    this.add(svg("text", { class: "axis", x: 2, y: 14 }, title + note));
  }

  at(x, y, ...nodes) {
    return svg("g", { transform: `translate(${x} ${y})` }, nodes);
  }
}

const hit = (radius = 11) => svg("circle", { class: "hit", r: radius });
const bar = (row, x1, y1, x2, y2, width = 2) =>
  svg("line", { class: `stroke c${row.look[0]}`, x1, x2, y1, y2, "stroke-width": width });
const DASHES = [null, "6 4", "1.5 3.5", "7 3 1.5 3"];
