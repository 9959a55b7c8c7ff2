// Keyboard shortcuts for a pair of duplicates. In: <form data-pair> with rows [data-pair-row] of two radio buttons each; the
// first row chooses the record to keep. Buttons and links have data-key. 1, 2 and arrows choose, letters decide, ? shows help.
(() => {
  const form = document.querySelector("[data-pair]");
  if (!form) return;
  const rows = [...form.querySelectorAll("[data-pair-row]")];
  let marked = 0;

  const mark = (number) => {
    marked = Math.max(0, Math.min(rows.length - 1, number));
    rows.forEach((row, place) => row.classList.toggle("is-marked", place === marked));
    rows[marked].scrollIntoView({ block: "nearest" });
  };

  const radios = (row) => [...row.querySelectorAll("input[type=radio]")];

  const choose = (side) => {
    const radio = radios(rows[marked])[side];
    radio.checked = true;
    radio.focus({ preventScroll: true });
    if (marked === 0) takeAll(side);
  };

  // Choosing the record to keep selects its values in all rows. Each row can be changed afterwards.
  const takeAll = (side) => rows.slice(1).forEach((row) => { radios(row)[side].checked = true; });

  form.addEventListener("change", (event) => {
    const place = rows.indexOf(event.target.closest("[data-pair-row]"));
    if (place < 0) return;
    mark(place);
    if (place === 0) takeAll(radios(rows[0]).indexOf(event.target));
  });

  const ACTIONS = {
    1: () => choose(0),
    2: () => choose(1),
    ArrowLeft: () => choose(0),
    ArrowRight: () => choose(1),
    ArrowUp: () => mark(marked - 1),
    ArrowDown: () => mark(marked + 1),
    "?": () => document.getElementById("pair-keys").showModal(),
  };

  let isDecided = false; // a key that is held down decides once
  const decide = (key) => {
    const target = document.querySelector(`[data-key="${key}"]`);
    if (!target || isDecided) return false;
    isDecided = true;
    target.click();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=radio]), textarea, select, [contenteditable], .dropdown-menu")) return;
    const action = ACTIONS[event.key];
    if (action) action();
    else if (!/^[mns]$/.test(event.key) || !decide(event.key)) return;
    event.preventDefault();
  });

  mark(0);
})();
