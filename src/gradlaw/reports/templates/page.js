"use strict";
(() => {
  const said = document.getElementById("said");
  const form = document.querySelector("[data-filters]");
  const groups = [...document.querySelectorAll("[data-group]")].map((element) => ({
    element,
    items: [...element.querySelectorAll("[data-item]")].map((item) => ({ item, of: { ...item.dataset } })),
  }));

  // An item is shown where each choice is its own, or none is made, and each word of the search is in it.
  const apply = () => {
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    const words = String(form.elements.search.value).toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = given.filter(([name]) => name !== "search");
    let rows = 0;
    for (const { element, items } of groups) {
      let shown = 0;
      for (const { item, of } of items) {
        const fits = chosen.every(([name, value]) => of[name] === value) && words.every((word) => of.search.includes(word));
        if (item.hidden === fits) item.hidden = !fits;
        shown += fits;
        rows += fits && "row" in of;
      }
      element.hidden = shown === 0;
    }
    form.elements.shown.value = rows === 1 ? "1 shown" : `${rows} shown`;
  };

  const selectText = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  // A page that is opened as a file may have no clipboard; then the older command copies what is selected.
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    let done = false;
    try {
      await navigator.clipboard.writeText(source.textContent);
      done = true;
    } catch {
      selectText(source);
      try {
        done = document.execCommand("copy");
      } catch {
        done = false;
      }
    }
    const before = button.dataset.label ?? button.textContent;
    button.dataset.label = before;
    button.textContent = done ? "Copied" : "Selected: press Ctrl+C";
    said.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = before;
    }, 2000);
  };

  // A link to a cell shows it, whatever is filtered, and opens it.
  const reveal = () => {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      return;
    }
    const target = id && document.getElementById(id);
    if (!target) return;
    if (form && target.closest("[hidden]")) {
      form.reset();
      apply();
    }
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };

  if (form) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    for (const button of document.querySelectorAll("[data-choose]")) {
      button.addEventListener("click", () => {
        form.reset();
        form.elements.verdict.value = button.dataset.choose;
        apply();
        form.scrollIntoView();
      });
    }
    apply();
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
