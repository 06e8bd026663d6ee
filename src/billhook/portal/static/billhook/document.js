// The page of one invoice: fetches the part that shows the document, reports the waiting in steps,
// and never leaves a blank place. Without this script the page has a plain link to the document.

import { layText, watchZoom } from "./pages.js";

const STEPS = [400, 3000, 10000]; // milliseconds after which the next sentence is shown

const place = document.querySelector("[data-document]");
if (place) {
  const shown = place.querySelector("[data-shown]");
  const waiting = place.querySelector("[data-waiting]");
  const words = waiting.querySelector("[data-steps]");
  const said = place.querySelector("[data-said]");
  const offerZoom = watchZoom(shown);
  const sentences = words.dataset.steps.split("|");

  const tellWaiting = () =>
    STEPS.map((after, step) =>
      setTimeout(() => {
        waiting.hidden = false;
        words.textContent = sentences[step];
        said.textContent = sentences[step];
      }, after),
    );

  const showUnreachable = () => {
    shown.replaceChildren(place.querySelector("[data-unreachable]").content.cloneNode(true));
  };

  const isOurs = (answer) =>
    (answer.headers.get("Content-Type") ?? "").startsWith("text/html") &&
    (answer.ok || answer.headers.has("Billhook-Run"));

  const fetchPages = async () => {
    const answer = await fetch(place.dataset.pages, { credentials: "same-origin" });
    if (answer.redirected) location.reload(); // the sign-in page: the person must sign in again
    else if (isOurs(answer)) shown.innerHTML = await answer.text();
    else showUnreachable();
  };

  const useHeldFile = () => {
    const held = shown.querySelector("[data-held]")?.dataset.held;
    if (!held) return;
    for (const link of document.querySelectorAll("a[data-file]")) {
      link.href = held + link.dataset.file;
    }
  };

  const tellResult = (askedAgain) => {
    const failed = shown.querySelector("[data-failed]");
    said.textContent = failed ? "" : "The document is here.";
    if (askedAgain) failed?.querySelector("[data-again]")?.focus();
  };

  const load = async ({ askedAgain = false } = {}) => {
    shown.replaceChildren();
    said.textContent = "";
    const timers = tellWaiting();
    try {
      await fetchPages();
    } catch {
      showUnreachable();
    }
    timers.forEach(clearTimeout);
    waiting.hidden = true;
    useHeldFile();
    tellResult(askedAgain);
    offerZoom(shown.querySelector(".page-image") !== null);
    layText(shown).catch(() => {}); // without it, the images are there all the same
  };

  shown.addEventListener("click", (event) => {
    if (!event.target.closest("[data-again]")) return;
    event.preventDefault();
    load({ askedAgain: true });
  });

  document.querySelector("[data-print]")?.addEventListener("click", (event) => {
    const images = [...shown.querySelectorAll("figure img")];
    if (images.length === 0) return; // then the link opens the file, and the browser prints that
    event.preventDefault();
    for (const image of images) image.loading = "eager";
    Promise.allSettled(images.map((image) => image.decode())).then(() => print());
  });

  if (matchMedia("(max-width: 44rem)").matches) {
    // On a phone the file opens in the same tab, so that Back leads here.
    for (const link of document.querySelectorAll("a[data-file][target]")) link.target = "";
  }

  load();
}
