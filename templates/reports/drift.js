
"use strict";
// The page is whole without this. It filters what is there, and copies commands; it adds no text from a report.
const form = document.getElementById("filters");
const placeButton = document.getElementById("place");
const places = [...document.querySelectorAll("[data-place]")];
const unseen = [...document.querySelectorAll("[data-unseen]")];
const cards = [...document.querySelectorAll(".card")].map((card) => ({
  card,
  section: card.closest("section"),
  head: [...card.children].filter((part) => !part.matches(".rows")).map(textOf).join(" "),
  rows: [...card.querySelectorAll("[data-row]")].map((row) => ({ row, text: textOf(row) })),
}));
const total = cards.reduce((sum, each) => sum + each.rows.length, 0);
let place = "";

function textOf(element) {
  return element.textContent.toLowerCase();
}

// What is chosen, and only that: a field that is empty filters nothing.
function chosen() {
  const data = new FormData(form);
  const one = (name) => data.get(name) || "";
  return {
    text: one("text").trim().toLowerCase(), severity: data.getAll("severity"), cluster: one("cluster"),
    host: one("host"), capability: one("capability"), code: one("code"), state: one("state"), place,
  };
}

function cardMatches(data, want) {
  return (!want.severity.length || want.severity.includes(data.severity))
    && ["cluster", "capability", "code", "state"].every((name) => !want[name] || want[name] === data[name]);
}

function rowMatches(data, want) {
  return (!want.host || want.host === data.host) && (!want.place || data.places.split(" ").includes(want.place));
}

function filter() {
  const want = chosen();
  let shown = 0;
  for (const { card, head, rows } of cards) {
    const here = cardMatches(card.dataset, want);
    const inHead = head.includes(want.text);
    let visible = 0;
    for (const { row, text } of rows) {
      row.hidden = !(here && rowMatches(row.dataset, want) && (inHead || text.includes(want.text)));
      visible += row.hidden ? 0 : 1;
    }
    card.hidden = !visible;
    shown += visible;
  }
  for (const item of unseen) {
    const cluster = !want.cluster || want.cluster === item.dataset.cluster;
    item.hidden = !(cluster && rowMatches(item.dataset, want) && textOf(item).includes(want.text));
  }
  tell(want, shown);
}

function tell(want, shown) {
  for (const each of places) each.setAttribute("aria-pressed", String(each.dataset.place === want.place));
  const box = places.find((each) => each.dataset.place === want.place);
  placeButton.hidden = !box;
  if (box) placeButton.textContent = `${box.dataset.title} only \u00d7`;
  document.getElementById("shown").textContent = `${shown} of ${total} findings shown`;
  document.getElementById("none").hidden = shown > 0 || !total;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(want)) for (const each of [value].flat()) if (each) query.append(name, each);
  const hash = query.size ? `#?${query}` : location.hash.startsWith("#?") ? "#" : location.hash;
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

// A link such as #?severity=critical&host=node1 opens the page filtered.
function fromAddress() {
  if (!location.hash.startsWith("#?")) return;
  const query = new URLSearchParams(location.hash.slice(2));
  place = query.get("place") || "";
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = query.getAll(field.name).includes(field.value);
    else if (field.name && query.has(field.name)) field.value = query.get(field.name);
  }
}

function choosePlace(event) {
  event.preventDefault();
  const key = event.currentTarget.dataset.place;
  place = place === key ? "" : key;
  filter();
  if (place) document.getElementById("findings").scrollIntoView();
}

async function copy(event) {
  const button = event.currentTarget;
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    // No clipboard for pages that came over plain HTTP: the older way.
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

for (const each of places) {
  each.setAttribute("role", "button");
  each.addEventListener("click", choosePlace);
  each.addEventListener("keydown", (event) => { if (event.key === " ") choosePlace(event); });
}
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", copy);
}
placeButton.addEventListener("click", () => { place = ""; filter(); });
for (const name of ["input", "change"]) form.addEventListener(name, filter);
form.addEventListener("reset", () => { place = ""; setTimeout(filter); });
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = !total;
fromAddress();
filter();
