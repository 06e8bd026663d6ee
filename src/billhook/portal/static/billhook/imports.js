// The columns of a file: shows the first values of the chosen column next to its field.

for (const select of document.querySelectorAll("select[data-samples]")) {
  select.addEventListener("change", () => {
    const samples = document.getElementById(select.dataset.samples).firstElementChild;
    samples.textContent = select.selectedOptions[0].dataset.samples ?? "";
  });
}
