// The code page and the set-up page: fill in the code that the link carries (the person presses the
// button), and ask for a moment's patience before another code is sent.

const field = document.querySelector("[data-code-form] input[name=code]");
const carried = /^#code=([0-9a-z]{4,12})$/.exec(location.hash);
if (field && carried) {
  field.value = carried[1];
  history.replaceState(null, "", location.pathname + location.search);
}

const again = document.querySelector("[data-resend]");
if (again) {
  const words = again.textContent;
  let seconds = 30;
  const tick = () => {
    again.disabled = seconds > 0;
    again.textContent = seconds > 0 ? `Send again in ${seconds} s` : words;
    seconds -= 1;
    if (seconds >= 0) setTimeout(tick, 1000);
  };
  tick();
}
