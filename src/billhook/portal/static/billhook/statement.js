/* The Print button of a statement: shown where a script can do it. */

for (const button of document.querySelectorAll("[data-print-page]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
