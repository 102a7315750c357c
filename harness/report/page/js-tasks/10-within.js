// Of several tasks, each section is a document to the script: there it looks for its places, there it listens to the
// pointer. Names of places end in the section's own suffix.
const POINTING = new Set(["pointerover", "pointerleave", "focusin"]);
const within = (section) => {
  const byId = (id) => section.querySelector(`#${CSS.escape(id)}`);
  return {
    body: document.body,
    get activeElement() {
      return document.activeElement;
    },
    createElement: (tag) => document.createElement(tag),
    createElementNS: (space, tag) => document.createElementNS(space, tag),
    addEventListener: (kind, ...how) => (POINTING.has(kind) ? section : document).addEventListener(kind, ...how),
    querySelector: (selector) => section.querySelector(selector),
    querySelectorAll: (selector) => section.querySelectorAll(selector),
    getElementById: (id) => byId(id) ?? byId(`${id}${section.dataset.suffix}`),
  };
};
