// Paper is white: what is printed has the light colours, and the drawings for them, whatever the screen has.
(() => {
  const page = document.documentElement;
  let theme = null;
  window.addEventListener("beforeprint", () => {
    theme = page.dataset.theme;
    page.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    if (theme !== null) page.dataset.theme = theme;
    theme = null;
  });
})();
