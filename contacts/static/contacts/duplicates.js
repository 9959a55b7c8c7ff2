// A pair of duplicates by keyboard. In: <form data-pair> with rows [data-pair-row], each a group of two radio buttons, the
// first of which says who is kept; buttons and links with data-key. Keys: 1, 2 and the arrows choose, letters decide, ? helps.
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

  // Whoever is kept has the last word, until somebody chooses a field.
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

  let isDecided = false; // one key is one decision, however long it is held
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
