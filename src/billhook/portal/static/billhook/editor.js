// The editor of an integration. Without this script the form works as it is: its buttons post
// it, and the server answers with the page. With it, rows come and go without a new page, the
// preview follows the typing, `{{` opens a picker, and the result of Try it appears next to the form.

const PREVIEW_AFTER = 350; // milliseconds without a key
const STEPS = [3000, 10000]; // milliseconds after which the next sentence is shown

let lastField = null;
let isChanged = false;
let previewTimer = 0;
let previewNumber = 0;

const form = () => document.querySelector("[data-editor]");
const post = (address, extra = {}) => {
  const data = new FormData(form());
  data.delete("do");
  for (const [name, value] of Object.entries(extra)) data.set(name, value);
  return fetch(address, { method: "POST", body: data, credentials: "same-origin" });
};
const isPart = (answer) =>
  !answer.redirected && (answer.headers.get("Content-Type") ?? "").startsWith("text/html");

// Rows: the server knows what each button does; the form in its answer takes this one's place.

const swap = (text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector("[data-editor]");
  if (!fresh) return false;
  const open = [...form().querySelectorAll("details[open][id]")].map((fold) => fold.id);
  form().replaceWith(fresh);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  begin(fresh);
  return true;
};

const edit = async (what) => {
  const before = form();
  const focused = document.activeElement;
  try {
    const posted = post(before.action, { do: what });
    before.inert = true; // what was typed from here on would not be in the answer
    const answer = await posted;
    if (isPart(answer) && swap(await answer.text())) {
      if ("sendNow" in form().dataset) return send();
      return focusOn(form().dataset.focus || focused?.id);
    }
  } catch {
    // reported below: nothing has changed, and everything typed is still there
  }
  before.inert = false;
  focused?.focus();
  show("unreachable");
};

const focusOn = (id) => {
  const field = id && document.getElementById(id);
  if (!field) return;
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details"))
    fold.setAttribute("open", "");
  field.focus();
};

// What will be sent, while one types. An answer that is overtaken by a later one isn't shown.

const previewSoon = () => {
  clearTimeout(previewTimer);
  previewTimer = setTimeout(preview, PREVIEW_AFTER);
};

const preview = async () => {
  const number = (previewNumber += 1);
  try {
    const answer = await post(form().dataset.preview);
    if (!answer.ok || !isPart(answer)) return;
    const text = await answer.text();
    if (number !== previewNumber) return;
    const place = document.getElementById("preview");
    const wasOpen = place.querySelector("details")?.open;
    place.innerHTML = text;
    if (wasOpen) place.querySelector("details")?.setAttribute("open", "");
    tellValues();
  } catch {
    // the next key tries again
  }
};

// Next to each token is its value for the chosen invoice.
const tellValues = () => {
  for (const { dataset, value } of document.querySelectorAll("#preview [data-used]")) {
    for (const place of document.querySelectorAll(`[data-about="${dataset.used}"] [data-value]`))
      place.textContent = value;
  }
};

// Try it.

const show = (template) => {
  const place = document.getElementById("result");
  place.replaceChildren(document.getElementById(template).content.cloneNode(true));
  return place;
};

const send = async () => {
  clearTimeout(previewTimer);
  preview(); // the request under the verdict is the one that was sent
  const place = show("sending");
  const words = place.querySelector("[data-steps]");
  const sentences = words.dataset.steps.split("|");
  const timers = STEPS.map((after, i) =>
    setTimeout(() => (words.textContent = sentences[i + 1]), after),
  );
  try {
    const answer = await post(form().dataset.try, { do: "try" });
    if (!isPart(answer) || !(answer.ok || answer.status === 422)) throw new Error("not ours");
    place.innerHTML = await answer.text();
    place.querySelector("[data-verdict]")?.focus();
  } catch {
    show("unreachable");
  }
  timers.forEach(clearTimeout);
};

// The picker: a list of tokens at the field, by `{{`, arrows, Enter and Escape.

const picker = { list: null, field: null, start: 0, at: 0 };

const tokensOf = (field) => {
  const offer = document.querySelector(`[data-offer="${field.dataset.tokens}"]`);
  const offered = [...(offer?.querySelectorAll("[data-about]") ?? [])].map((row) => ({
    name: row.dataset.about,
    shown: row.dataset.about,
    meaning: row.children[1].textContent,
    value: row.children[2].textContent,
  }));
  const known = new Set(offered.map((token) => token.name));
  return [...typedTokens(field.dataset.tokens).filter(({ name }) => !known.has(name)), ...offered];
};

// What earlier requests give may have been named a moment ago, so that the offer lacks it still.
const typedTokens = (step) => {
  const [, command, number] = /^(command-\d+)-steps-(\d+)$/.exec(step) ?? [];
  const found = [];
  for (let before = 0; before < Number(number ?? 0); before += 1) {
    const start = `${command}-steps-${before}`;
    const name = document.getElementById(`${start}-name`)?.value;
    for (const field of document.querySelectorAll(
      `[id^="${start}-extract-"][id$="-name"], [id^="${start}-derive-"][id$="-name"]`,
    ))
      if (name && field.value)
        found.push(`${name}.${field.value}`);
  }
  return found.map((token) => ({ name: token, shown: token, meaning: "Of a request before.", value: "" }));
};

// After a pipe comes a function: the token is inserted with it.
const functionsFor = (token) =>
  [...form().querySelectorAll("[data-function]")].map((row) => ({
    name: `${token}|${row.dataset.function}`,
    shown: row.dataset.function,
    meaning: row.textContent,
    value: "",
  }));

const openPicker = (field) => {
  const before = field.value.slice(0, field.selectionStart);
  const match = /\{\{([A-Za-z0-9_.]*)(?:(\|)([A-Za-z0-9:]*))?$/.exec(before);
  if (!match) return closePicker();
  const offered = match[2] ? functionsFor(match[1]) : tokensOf(field);
  const typed = (match[2] ? match[3] : match[1]).toLowerCase();
  const found = offered.filter((each) => each.shown.toLowerCase().includes(typed));
  if (found.length === 0) return closePicker();
  closePicker();
  picker.field = field;
  picker.start = match.index;
  picker.list = Object.assign(document.createElement("ul"), { className: "picker", id: "picker" });
  picker.list.setAttribute("role", "listbox");
  picker.list.setAttribute("aria-label", "Tokens");
  found.forEach((token, i) => picker.list.append(pickerRow(token, i)));
  field.insertAdjacentElement("afterend", picker.list);
  picker.list.style.top = `${field.offsetTop + field.offsetHeight + 2}px`;
  field.setAttribute("aria-controls", "picker");
  field.setAttribute("aria-autocomplete", "list");
  if (field.matches("input")) field.setAttribute("role", "combobox");
  if (field.matches("input")) field.setAttribute("aria-expanded", "true");
  select(0);
};

const pickerRow = (token, number) => {
  const row = document.createElement("li");
  row.id = `picker-${number}`;
  row.dataset.name = token.name;
  row.setAttribute("role", "option");
  for (const [kind, text] of [["mono", token.shown], ["", token.meaning], ["value", token.value]])
    row.append(Object.assign(document.createElement("span"), { className: kind, textContent: text }));
  row.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    choose(token.name);
  });
  return row;
};

const select = (number) => {
  const rows = [...picker.list.children];
  picker.at = (number + rows.length) % rows.length;
  rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === picker.at)));
  rows[picker.at].scrollIntoView({ block: "nearest" });
  picker.field.setAttribute("aria-activedescendant", rows[picker.at].id);
};

const closePicker = () => {
  picker.list?.remove();
  for (const name of ["aria-activedescendant", "aria-controls", "aria-expanded", "role"])
    picker.field?.removeAttribute(name);
  picker.list = picker.field = null;
};

const choose = (name) => {
  const field = picker.field;
  const after = field.value.slice(field.selectionStart).replace(/^[A-Za-z0-9_.|:]*\}\}/, "");
  replaceText(field, picker.start, field.value.length - after.length, `{{${name}}}`);
  closePicker();
};

const replaceText = (field, start, end, text) => {
  field.focus();
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

const insertToken = (button) => {
  const offer = button.closest("[data-offer]").dataset.offer;
  const usable = lastField?.isConnected && lastField.dataset.tokens === offer;
  const field = usable ? lastField : document.getElementById(`${offer}-url`);
  if (field) replaceText(field, field.selectionStart, field.selectionEnd, `{{${button.dataset.token}}}`);
};

const pickerKey = (event) => {
  if (!picker.list) return false;
  if (event.key === "ArrowDown") select(picker.at + 1);
  else if (event.key === "ArrowUp") select(picker.at - 1);
  else if (event.key === "Enter" || event.key === "Tab")
    choose(picker.list.children[picker.at].dataset.name);
  else if (event.key === "Escape") closePicker();
  else return false;
  event.preventDefault();
  return true;
};

// The tokens of a request are one stop for Tab; arrows go from one to the next.

const inToolbar = (bar) => [...bar.querySelectorAll("[data-token]")];

const makeToolbar = (bar) =>
  inToolbar(bar).forEach((button, number) => (button.tabIndex = number === 0 ? 0 : -1));

const moveInToolbar = (event) => {
  const bar = event.target.closest('[role="toolbar"]');
  const buttons = bar ? inToolbar(bar) : [];
  const at = buttons.indexOf(event.target);
  const wanted = {
    ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
    Home: 0, End: buttons.length - 1,
  }[event.key];
  if (at < 0 || wanted === undefined) return false;
  event.preventDefault();
  const next = buttons[(wanted + buttons.length) % buttons.length];
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next.focus();
  return true;
};

// One listener for each kind of event: rows come and go.

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button?.closest("[data-editor]")) return;
  if (button.dataset.token) return insertToken(button);
  if (button.name !== "do" || button.value === "save") return;
  event.preventDefault();
  if ("send" in button.dataset) send();
  else edit(button.value);
});

document.addEventListener("input", (event) => {
  if (!event.target.closest("[data-editor]")) return;
  isChanged ||= !event.target.id.startsWith("try-");
  if (event.target.dataset.tokens) openPicker(event.target);
  previewSoon();
});

// What there is to fill in depends on this choice.
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-editor]") && "look" in event.target.dataset) edit("look");
});

document.addEventListener("keydown", (event) => {
  if (!form()?.contains(event.target) || pickerKey(event) || moveInToolbar(event)) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    send();
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    form().requestSubmit(form().querySelector('button[value="save"]'));
  } else if (event.key === "Enter" && event.target.id === "try-number") {
    event.preventDefault();
    send();
  }
});

document.addEventListener("focusin", (event) => {
  if (event.target.dataset?.tokens) lastField = event.target;
  if (event.target !== picker.field) closePicker();
  if ("copy" in (event.target.dataset ?? {})) event.target.select();
});

document.addEventListener("submit", (event) => {
  if (event.target === form()) isChanged = false;
});

window.addEventListener("beforeunload", (event) => {
  if (isChanged) event.preventDefault();
});

// A link to a field opens what is folded around it, in every browser.
const openAtHash = () => {
  const field = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (field && form()?.contains(field)) focusOn(field.id);
};
window.addEventListener("hashchange", openAtHash);

const begin = (editor) => {
  editor.dataset.js = "";
  isChanged ||= "changed" in editor.dataset;
  for (const bar of editor.querySelectorAll('[role="toolbar"]')) makeToolbar(bar);
  tellValues();
};

begin(form());
if ("sendNow" in form().dataset) send();
document.getElementById("problems")?.focus();
