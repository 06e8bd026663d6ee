() => {
  const faults = [];
  const say = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
  const seen = (element) => element.checkVisibility();
  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (element) =>
    [...(element.labels || [])].some((label) => label.textContent.trim()) ||
    (element.getAttribute("aria-label") || "").trim() ||
    (element.getAttribute("aria-labelledby") || "").split(/\s+/).some(
      (id) => id && document.getElementById(id)?.textContent.trim());

  if (document.documentElement.lang !== "en") faults.push("the language isn't declared");
  if (!document.title.trim()) faults.push("there is no title");
  const heads = all("h1").length;
  if (heads !== 1) faults.push(`there are ${heads} main headings`);
  if (all("main").length !== 1) faults.push("there isn't one main part");
  const levels = all("h1, h2, h3, h4").filter(seen).map((heading) => Number(heading.tagName[1]));
  levels.forEach((level, index) => {
    if (index && level > levels[index - 1] + 1) faults.push(`heading ${level} follows ${levels[index - 1]}`);
  });

  for (const field of all("input:not([type=hidden]), select, textarea"))
    if (!named(field)) say("a field without a label", field);
  for (const control of all("button, a[href], summary"))
    if (!control.textContent.trim() && !named(control)) say("a control without a name", control);
  for (const image of all("img")) if (!image.hasAttribute("alt")) say("an image without a text", image);
  for (const frame of all("iframe, embed, object")) say("a frame", frame);
  for (const label of all("label[for]"))
    if (!document.getElementById(label.htmlFor)) say("a label of nothing", label);
  for (const holder of all("[aria-describedby], [aria-labelledby], [aria-controls]"))
    for (const name of ["aria-describedby", "aria-labelledby", "aria-controls"])
      for (const id of (holder.getAttribute(name) || "").split(/\s+/))
        if (id && !document.getElementById(id)) say(`${name} points at nothing (${id})`, holder);
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index)))
    faults.push(`the id ${id} appears twice`);
  for (const cell of all("table th")) if (!cell.hasAttribute("scope")) say("a heading without a scope", cell);
  const targets = all("button, a.button, summary, select, input:not([type=hidden])");
  for (const control of targets.filter(seen)) {
    if (control.ariaHidden === "true" && control.tabIndex < 0) continue; // for Enter alone
    const box = (control.closest("label") || control).getBoundingClientRect();
    if (box.width && box.height && (box.width < 24 || box.height < 24)) say("a target too small", control);
    if (control.matches("input, select") && box.height > 120) say("a field blown up", control);
  }
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    faults.push(`the page is ${root.scrollWidth - root.clientWidth} pixels too wide`);
  return faults;
}
