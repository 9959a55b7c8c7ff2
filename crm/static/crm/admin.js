// Names for the fields that Unfold's and django-rq's pages leave without one: screen readers say the column's or label's.
(() => {
  const nameBoxes = () => {
    document.querySelectorAll("#action-toggle:not([aria-label])").forEach((box) => box.setAttribute("aria-label", "Tick all on this page"));
    document.querySelectorAll("input.action-select:not([aria-label])").forEach((box) => box.setAttribute("aria-label", `Tick ${box.value}`));
  };

  // A field in a list: its column's head is its name.
  const nameCells = () => {
    document.querySelectorAll("#result_list td :is(input, select, textarea):not([type=hidden])").forEach((field) => {
      if (field.labels?.length || field.ariaLabel) return;
      const head = field.closest("table").tHead?.rows[0]?.cells[field.closest("td").cellIndex];
      if (head) field.setAttribute("aria-label", head.innerText.trim() || head.textContent.trim());
    });
  };

  // import-export puts its buttons into a list that has no items.
  const nameItems = () => document.querySelectorAll("ul.object-tools > div").forEach((each) => each.setAttribute("role", "listitem"));

  // select2 points the name of its box at what is chosen, which is empty at first.
  const nameChoices = () => {
    document.querySelectorAll("select.select2-hidden-accessible").forEach((select) => {
      const box = select.nextElementSibling?.querySelector("[role=combobox]");
      const label = select.labels?.[0];
      if (!box || !label || box.dataset.named) return;
      label.id ||= `label-of-${select.id}`;
      const shown = box.querySelector("[role=textbox]");
      shown?.setAttribute("aria-labelledby", label.id);
      box.setAttribute("aria-labelledby", shown?.id ? `${label.id} ${shown.id}` : label.id);
      box.dataset.named = "";
    });
    // What several are chosen with: a search field, in a list whose items are none, drawn anew with each choice.
    document.querySelectorAll(".select2-selection--multiple ul:not([role])").forEach((list) => list.setAttribute("role", "group"));
    document.querySelectorAll(".select2-selection--multiple li:not([role])").forEach((item) => item.setAttribute("role", "none"));
    document.querySelectorAll(".select2-selection--multiple").forEach((box) => {
      const field = box.querySelector(".select2-search__field:not([aria-labelledby])");
      const label = box.closest(".select2-container").previousElementSibling?.labels?.[0];
      if (!field || !label) return;
      label.id ||= `label-of-${field.id || box.closest(".select2-container").previousElementSibling.id}`;
      field.setAttribute("aria-labelledby", label.id);
    });
  };

  // django-rq's lists call a jQuery plugin that Django no longer has: the box in the head ticks all.
  const giveActions = () => {
    const jquery = window.django?.jQuery;
    if (!jquery || jquery.fn.actions) return;
    jquery.fn.actions = function actions() {
      const boxes = this;
      document.getElementById("action-toggle")?.addEventListener("change", (event) => boxes.prop("checked", event.target.checked));
      return boxes;
    };
  };

  const name = () => { nameBoxes(); nameCells(); nameItems(); nameChoices(); };
  document.addEventListener("DOMContentLoaded", () => {
    giveActions();
    name();
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  });
})();
