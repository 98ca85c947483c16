// clips below the matrix: the most confident mistakes first, then the least confident others
const predicted = clips.filter((clip) => clip.predicted !== undefined);
const isRight = (clip) => clip.true === clip.predicted;
predicted.sort((a, b) => isRight(a) - isRight(b)
  || (isRight(a) ? a.confidence - b.confidence : b.confidence - a.confidence));
// a clip may have several labels, joined by ;
const has = (text, label) => text.split(";").includes(label);
let listed = [];

function showMore() {
  const list = find("#list");
  const from = list.children.length;
  list.append(...listed.slice(from, from + PAGE).map(card));
  find("#more").hidden = list.children.length >= listed.length;
}

function show(chosen, description, pressed) {
  for (const cell of all("[aria-pressed=true]", find(".matrix") || document.body)) cell.ariaPressed = "false";
  if (pressed) pressed.ariaPressed = "true";
  listed = chosen;
  find("#list").replaceChildren();
  find("#shown").textContent = `${chosen.length} ${chosen.length === 1 ? "clip" : "clips"}: ${description}`;
  showMore();
}

const showMistakes = () => show(predicted.filter((clip) => !isRight(clip)), "all mistakes, the most confident first");
if (find("#list")) {
  find("#more").addEventListener("click", () => {
    const next = find("#list").children.length;
    showMore();
    find("audio", find("#list").children[next])?.focus();
  });
  find("#mistakes").addEventListener("click", showMistakes);
  find("#all").addEventListener("click", () => show(predicted, "all, mistakes first"));
  showMistakes();
}
for (const cell of all(".matrix button")) {
  cell.addEventListener("click", () => {
    const [row, column] = [labels[cell.dataset.row], labels[cell.dataset.column]];
    const chosen = predicted.filter((clip) => has(clip.true, row) && has(clip.predicted, column)
      && (row === column || !has(clip.true, column)));
    show(chosen, row === column ? `${row}, predicted rightly` : `labelled ${row}, predicted ${column}`, cell);
    find("#clips").scrollIntoView({ block: "start" });
  });
}

for (const item of all("[data-player]")) item.append(player(clips[item.dataset.player]));

for (const button of all(".sortable th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const rows = all("tbody tr", heading.closest("table"));
    const up = heading.ariaSort !== "ascending";
    const text = (row) => row.children[heading.cellIndex].textContent;
    rows.sort((a, b) => (up ? 1 : -1) * text(a).localeCompare(text(b), "en", { numeric: true }));
    for (const other of all("th", heading.parentElement)) other.ariaSort = "none";
    heading.ariaSort = up ? "ascending" : "descending";
    rows[0]?.parentElement.append(...rows);
  });
}

const dots = all(".dot");
function point(dot) {
  const clip = clips[dot.dataset.clip];
  const wrong = isRight(clip) ? "" : `, predicted ${clip.predicted || "no label"}`;
  find("#pointed").textContent = `${clip.name}: ${clip.true}${wrong}`;
}
function pick(dot) {
  const shown = card(clips[dot.dataset.clip]);
  find("#picked").replaceChildren(shown);
  find("audio", shown)?.play().catch(() => {});
}
dots.forEach((dot, number) => {
  dot.addEventListener("pointerenter", () => point(dot));
  dot.addEventListener("focus", () => point(dot));
  dot.addEventListener("click", () => { dot.focus(); pick(dot); });
  dot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") pick(dot);
    else if (!step) return;
    event.preventDefault();
    if (step) dots[(number + step + dots.length) % dots.length].focus();
  });
  dot.addEventListener("focus", () => dots.forEach((other) => { other.tabIndex = other === dot ? 0 : -1; }));
});
for (const button of all(".legend button")) {
  button.addEventListener("click", () => {
    button.ariaPressed = button.ariaPressed === "true" ? "false" : "true";
    const chosen = all(".legend [aria-pressed=true]").map((other) => other.dataset.label);
    for (const dot of dots) dot.classList.toggle("dim", chosen.length > 0 && !chosen.includes(dot.dataset.label));
  });
}
