// What every page needs: "/" to search, dialogs, copy buttons, notices, chosen rows. Works by data attributes only:
//   data-dialog="ID"        opens <dialog id="ID">; data-dialog-close inside one closes it
//   data-copy="TEXT"        copies TEXT; data-copy-from="SELECTOR" copies that element's text or value
//   data-check-all="NAME"   ticks all boxes called NAME; data-bulk="NAME" is shown while any is ticked
//   data-submit-on-change   on a form: sends it when a field changes (filter bars)
(() => {
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  const copy = async (button) => {
    const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    const text = source ? source.value || source.textContent : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text.trim());
      say(button, "Copied");
    } catch {
      say(button, "Copying is not allowed here");
    }
  };

  const say = (button, words) => {
    const label = button.querySelector("[data-copy-label]");
    if (!label) return;
    const before = label.textContent;
    label.textContent = words;
    setTimeout(() => { label.textContent = before; }, 1600);
  };

  document.addEventListener("click", (event) => {
    const target = event.target;
    const opener = target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
    target.closest("[data-dialog-close]")?.closest("dialog")?.close();
    if (target.matches("dialog")) target.close(); // the backdrop
    const copier = target.closest("[data-copy], [data-copy-from]");
    if (copier) copy(copier);
    target.closest("[data-notice-close]")?.closest(".notice")?.remove();
  });

  const boxes = (name) => [...document.querySelectorAll(`input[type=checkbox][name="${name}"]`)];

  const countChosen = () => {
    document.querySelectorAll("[data-bulk]").forEach((bar) => {
      const all = boxes(bar.dataset.bulk);
      const chosen = all.filter((box) => box.checked).length;
      bar.hidden = chosen === 0;
      bar.querySelectorAll("[data-bulk-count]").forEach((place) => { place.textContent = chosen; });
      document.querySelectorAll(`[data-check-all="${bar.dataset.bulk}"]`).forEach((head) => {
        head.checked = chosen > 0 && chosen === all.length;
        head.indeterminate = chosen > 0 && chosen < all.length;
      });
    });
  };

  document.addEventListener("change", (event) => {
    const head = event.target.closest("[data-check-all]");
    if (head) boxes(head.dataset.checkAll).forEach((box) => { box.checked = head.checked; });
    countChosen();
    if (event.target.type !== "search") event.target.closest("form[data-submit-on-change]")?.requestSubmit();
  });

  // Good news leaves by itself; what went wrong stays until it is closed.
  const letNoticesLeave = () => {
    document.querySelectorAll(".notice[data-leaves]:not([data-leaving])").forEach((notice) => {
      notice.dataset.leaving = "";
      setTimeout(() => notice.remove(), 6000);
    });
  };

  const settle = () => { letNoticesLeave(); countChosen(); };
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:afterSettle", settle);
})();
