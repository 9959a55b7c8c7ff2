// Forms that send files (form[data-upload]): files dropped anywhere on the page are the field's; the chosen ones are
// listed; what is above the cap (data-cap, bytes) is refused by name before it is sent; the button says that it sends.
// Without this script the form works as it is: the field lies over its zone, and dropping onto it is the browser's doing.
(() => {
  const size = (bytes) => (bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

  const line = (file, refusal) => {
    const item = document.createElement("li");
    const name = document.createElement("span");
    const note = document.createElement("span");
    name.textContent = file.name;
    note.textContent = refusal || size(file.size);
    note.className = refusal ? "" : "faint";
    if (refusal) item.dataset.refused = "";
    item.append(name, note);
    return item;
  };

  const show = (form) => {
    const input = form.querySelector("input[type=file]");
    const cap = Number(form.dataset.cap);
    const kept = new DataTransfer();
    const lines = [...input.files].map((file) => {
      const refusal = file.size > cap ? `${size(file.size)} is above the cap of ${size(cap)}: not sent` : "";
      if (!refusal) kept.items.add(file);
      return line(file, refusal);
    });
    input.files = kept.files;
    form.querySelector("[data-upload-files]").replaceChildren(...lines);
    const total = [...kept.files].reduce((sum, file) => sum + file.size, 0);
    if (total > cap) form.querySelector("[data-upload-files]").append(line({ name: "All of them together" }, `${size(total)} is above the cap of ${size(cap)}: choose fewer at once`));
    form.querySelector("[data-upload-submit]").disabled = total > cap;
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-upload]");
    if (form) show(form);
  });

  const take = (form, files) => {
    const input = form.querySelector("input[type=file]");
    const given = new DataTransfer();
    [...files].slice(0, input.multiple ? files.length : 1).forEach((file) => given.items.add(file));
    input.files = given.files;
    show(form);
  };

  // Anywhere: a file that misses the zone by an inch would otherwise be opened in place of the page.
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const form = event.target.closest?.("form[data-upload]") || document.querySelector("form[data-upload]");
      if (!form || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.querySelector(".drop").classList.toggle("is-over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) take(form, event.dataTransfer.files);
    });
  }

  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("[data-upload-submit]");
    if (button) button.setAttribute("aria-busy", "true");
  });

  // Back from the page that followed: the browser shows this one as it was left.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-upload-submit]").forEach((button) => button.removeAttribute("aria-busy"));
  });
})();
