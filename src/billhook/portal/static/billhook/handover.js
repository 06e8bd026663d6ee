// Goes on without a click. A program that only looks at the link runs no script, so it leaves the
// token unused; a browser that prepares the page in advance waits until somebody sees it.

const form = document.querySelector("[data-handover]");

function goOn() {
  form.querySelector("button").disabled = true;
  form.submit();
}

if (document.prerendering) document.addEventListener("prerenderingchange", goOn, { once: true });
else if (document.visibilityState === "visible") goOn();
else document.addEventListener("visibilitychange", goOn, { once: true });
