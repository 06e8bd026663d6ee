(where) => {
  // Texts that are cut off: by a box that clips, by the window, or by a neighbour.
  const faults = [];
  const cells = document.querySelectorAll(where);
  const clips = (element) => /hidden|clip|auto|scroll/.test(getComputedStyle(element).overflowX);
  const isForReaders = (element) => element.closest(".visually-hidden, thead");

  const frameOf = (element) => {
    let frame = { left: 0, right: document.documentElement.clientWidth };
    for (let holder = element; holder && holder !== document.body; holder = holder.parentElement) {
      if (!clips(holder)) continue;
      const box = holder.getBoundingClientRect();
      frame = { left: Math.max(frame.left, box.left), right: Math.min(frame.right, box.right) };
    }
    return frame;
  };
  const textsIn = (cell) => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (node.data.trim() && node.parentElement.checkVisibility() && !isForReaders(node.parentElement))
        found.push(node);
    return found;
  };
  const isWithin = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1;

  for (const cell of cells) {
    if (cell.closest("[tabindex='0']")) continue; // a wide table that the keyboard scrolls, too
    for (const text of textsIn(cell)) {
      const range = document.createRange();
      range.selectNodeContents(text);
      for (const box of range.getClientRects()) {
        if (!box.width) continue;
        if (!isWithin(box, frameOf(text.parentElement))) faults.push(`cut off: ${text.data.trim().slice(0, 60)}`);
        else if (!isWithin(box, cell.getBoundingClientRect())) faults.push(`outside its cell: ${text.data.trim().slice(0, 60)}`);
      }
    }
  }
  for (const view of document.querySelectorAll("[data-kind=view]")) {
    view.scrollIntoView({ block: "center", inline: "nearest" });
    const box = view.getBoundingClientRect();
    for (const x of [box.left + 2, (box.left + box.right) / 2, box.right - 2])
      if (!view.contains(document.elementFromPoint(x, (box.top + box.bottom) / 2)))
        faults.push(`VIEW is hidden: ${view.textContent.trim().slice(0, 60)}`);
  }
  return [...new Set(faults)];
}
