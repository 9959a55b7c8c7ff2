// The upload form: lists the chosen files, refuses by name what is above the cap before it is sent, says that it sends.
// Without this script the form works as it is: dropping onto the field is the browser's own doing.
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

  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      event.target.closest?.(".upload-drop")?.classList.toggle("is-over", over);
    });
  }

  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("[data-upload-submit]");
    if (button) button.setAttribute("aria-busy", "true");
  });
})();
