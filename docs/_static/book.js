// What the theme leaves out for those who read with a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll("p.caption[role=heading]")) caption.setAttribute("aria-level", "2");
  document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "The book");
  document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "This page");
  for (const code of document.querySelectorAll("pre")) code.tabIndex = 0;
});
