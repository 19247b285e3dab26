// A formula within a line that is wider than its column scrolls within itself, as displayed ones do.
addEventListener("load", async () => {
  if (!window.MathJax?.startup) return;
  await MathJax.startup.promise;
  for (const formula of document.querySelectorAll("mjx-container:not([display])")) {
    const column = formula.closest("p, li, td, th, dd, figcaption, article");
    formula.classList.toggle("wide", formula.getBoundingClientRect().width > column.clientWidth);
  }
});
