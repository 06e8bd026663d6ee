// A part of a page that changes: it is read again every few seconds, as long as the page says so.

const part = () => document.querySelector("[data-live]");

const again = async () => {
  const shown = part();
  if (!shown) return;
  if (!document.hidden) {
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (response.ok && !response.redirected) show(shown, await response.text());
    } catch {
      // the server is away for a moment: what is shown stays
    }
  }
  setTimeout(again, 1000 * Number(part()?.dataset.live ?? 0) || 3000);
};

const show = (shown, text) => {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(shown.id);
  if (!fresh) return;
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  const sameAs = focused?.id ? `#${focused.id}` : focused?.href ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]` : "";
  shown.replaceWith(document.adoptNode(fresh));
  if (sameAs) fresh.querySelector(sameAs)?.focus({ preventScroll: true });
};

if (part()) setTimeout(again, 1000 * Number(part().dataset.live));
