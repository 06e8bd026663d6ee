/* Marks one text of each kind of colours, so that axe-core compares each kind once: a form with two
   thousand texts has about a hundred kinds. Texts are of one kind if their tag, size, weight and
   colour are the same, and everything behind them up to the first opaque background. */
() => {
  const mark = "data-colours";
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(each);
      layers.push(backgroundColor, backgroundImage, opacity);
      if (!/^rgba\(.*, 0(\.\d+)?\)$|\/ 0?\.?\d+\)$/.test(backgroundColor)) break;
    }
    return layers;
  };
  const hasText = (element) =>
    element.matches("input, select, textarea") ||
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  // one that axe-core passes over would leave the others of its kind unseen
  const isCompared = (element) =>
    axe.commons.dom.isVisibleOnScreen(element) &&
    !element.closest(":disabled, [aria-disabled=true]") &&
    !element.closest("label")?.control?.disabled;
  const kindOf = (element) => {
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    return [element.tagName, color, fontSize, fontWeight, ...behind(element)].join();
  };
  const seen = new Set();
  axe.setup(document);
  for (const element of document.body.querySelectorAll("*")) {
    element.removeAttribute(mark);
    if (!hasText(element) || !isCompared(element)) continue;
    const kind = kindOf(element);
    if (!seen.has(kind)) element.setAttribute(mark, "");
    seen.add(kind);
  }
  axe.teardown();
  axe.configure({ rules: [{ id: "color-contrast", selector: `[${mark}]` }] });
}
