"use strict";
(() => {
  const form = document.getElementById("filters");
  const cards = Array.from(document.querySelectorAll(".card"));
  const shown = document.getElementById("shown");
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const any = (list, value) => value === "" || list.split("|").includes(value);
  const rated = (list, capability, least) => {
    if (capability === "" && least === "") return true;
    const ratings = list.split(",");
    const checked = capability === "" ? ratings : [ratings[capability]];
    return checked.some((rating) => rating !== "" && Number(rating) >= Number(least || 1));
  };
  const apply = () => {
    const value = (name) => form.elements[name].value;
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    cards.forEach((card, i) => {
      const data = card.dataset;
      const show = any(data.kind, value("kind")) && any(data.status, value("status")) &&
        any(data.styles, value("style")) && (value("source") === "" || data.source === value("source")) &&
        rated(data.ratings, value("capability"), value("rating")) && words.every((word) => texts[i].includes(word));
      card.hidden = !show;
      if (show) count++;
    });
    shown.textContent = count + " of " + cards.length + " samples shown";
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
