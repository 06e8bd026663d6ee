// The pages of a document: their text lies over the images, so that it can be selected, searched and
// read aloud; and who zooms in gets sharper images.

const SHARP_FROM = 1.3; // times the usual size

const layerOf = (lines, scale) => {
  const layer = document.createElement("div");
  layer.className = "page-text";
  for (const [left, top, width, height, text] of lines) {
    const line = document.createElement("p");
    line.textContent = text;
    line.style.left = `${(100 * left) / scale}%`;
    line.style.top = `${(100 * top) / scale}%`;
    line.style.height = `${(100 * height) / scale}%`;
    line.dataset.width = width / scale;
    layer.append(line, document.createElement("br")); // so that copied lines stay lines
  }
  return layer;
};

const fit = (layer) => {
  // Two passes, so that the browser measures once: heights give sizes, then widths are stretched.
  const page = layer.getBoundingClientRect();
  const lines = [...layer.querySelectorAll("p")];
  for (const line of lines) {
    line.style.fontSize = `${(80 * parseFloat(line.style.height) * page.height) / (100 * page.width)}cqw`;
  }
  const widths = lines.map((line) => line.getBoundingClientRect().width);
  lines.forEach((line, index) => {
    const wanted = line.dataset.width * page.width;
    if (widths[index] && wanted) line.style.transform = `scaleX(${wanted / widths[index]})`;
  });
};

export const layText = async (shown) => {
  const address = shown.querySelector("[data-text]")?.dataset.text;
  if (!address) return;
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return; // the images are there all the same
  const { scale, pages } = await answer.json();
  shown.querySelectorAll(".page-image").forEach((image, index) => {
    if (!pages[index]?.length) return;
    const layer = layerOf(pages[index], scale);
    image.append(layer);
    fit(layer);
  });
};

const sharpen = (shown) => {
  for (const image of shown.querySelectorAll(".page-image img:not([data-is-sharp])")) {
    image.src += "?sharp";
    image.dataset.isSharp = "";
  }
};

export const watchZoom = (shown) => {
  const place = shown.closest("[data-document]");
  const zoom = place.querySelector("[data-zoom]");
  const size = zoom?.querySelector("output");
  let percent = 100;

  const zoomTo = (wanted) => {
    percent = Math.min(300, Math.max(50, wanted));
    size.textContent = `${percent} %`;
    place.style.setProperty("--zoom", percent / 100);
    place.toggleAttribute("data-zoomed", percent !== 100);
    shown.tabIndex = percent > 100 ? 0 : -1; // what scrolls must be reached by keyboard
    if (percent / 100 >= SHARP_FROM) sharpen(shown);
  };
  zoom?.addEventListener("click", (event) => {
    const by = Number(event.target.closest("[data-by]")?.dataset.by);
    if (by) zoomTo(percent + by);
  });
  visualViewport?.addEventListener("resize", () => {
    if (visualViewport.scale >= SHARP_FROM) sharpen(shown);
  });
  return (isThere) => {
    if (zoom) zoom.hidden = !isThere;
  };
};
