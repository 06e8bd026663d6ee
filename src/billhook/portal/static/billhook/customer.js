// The field for a customer: a combobox that searches while one types (ARIA's pattern, with a list).
// Without this script the field is sent as typed, and the server lists the matches.

const PAUSE = 150;

for (const picker of document.querySelectorAll("[data-picker]")) {
  if (picker.dataset.picker) makeCombobox(picker);
}

function makeCombobox(picker) {
  const field = picker.querySelector("input[type=text]");
  const matches = picker.querySelector("select");
  const chosen = matches ? hiddenIn(picker, matches) : picker.querySelector("input[type=hidden]");
  const list = document.createElement("ul");
  const status = document.createElement("div");
  let options = [];
  let current = -1;
  let timer = 0;
  let asked = 0;

  list.id = `${field.id}_options`;
  list.className = "picker-options";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Customers");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  picker.append(list, status);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
  })) field.setAttribute(name, value);

  function close() {
    list.hidden = true;
    current = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function mark(at) {
    const rows = [...list.querySelectorAll("[role=option]")];
    if (!rows.length) return;
    current = (at + rows.length) % rows.length;
    rows.forEach((row, n) => row.setAttribute("aria-selected", String(n === current)));
    rows[current].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", rows[current].id);
  }

  function choose(option) {
    field.value = option.label;
    chosen.value = option.id;
    status.textContent = `${option.label} is chosen.`;
    close();
  }

  function show(found) {
    options = found.customers;
    current = -1;
    list.replaceChildren(...options.map((option, at) => {
      const row = document.createElement("li");
      row.id = `${list.id}_${at}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      row.textContent = option.label;
      row.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(option); });
      return row;
    }));
    status.textContent = found.words;
    if (found.is_more || !options.length) {
      const note = document.createElement("li");
      note.className = "muted small";
      note.setAttribute("role", "presentation");
      note.textContent = found.words;
      list.append(note);
    }
    list.hidden = false;
    field.setAttribute("aria-expanded", String(options.length > 0));
    field.removeAttribute("aria-activedescendant");
  }

  async function search() {
    const number = (asked += 1);
    const address = `${picker.dataset.picker}?q=${encodeURIComponent(field.value.trim())}`;
    try {
      const response = await fetch(address, { headers: { Accept: "application/json" } });
      if (response.ok && number === asked && document.activeElement === field) show(await response.json());
    } catch {
      close(); // without it, the server lists the matches
    }
  }

  field.addEventListener("input", () => {
    chosen.value = "";
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) search();
    else if (event.key === "ArrowDown") mark(current + 1);
    else if (event.key === "ArrowUp" && !list.hidden) mark(current < 0 ? -1 : current - 1);
    else if (event.key === "Enter" && !list.hidden && current >= 0) choose(options[current]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
  });
  field.addEventListener("blur", () => { clearTimeout(timer); asked += 1; close(); });
}

// A list of matches is there only where the server has made one: it goes when somebody types again.
function hiddenIn(picker, matches) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = matches.name;
  matches.addEventListener("change", () => { field.value = matches.value; });
  matches.name = "";
  picker.prepend(field);
  return field;
}
