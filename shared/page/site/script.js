"use strict";
(() => {
  const get = async (address, signal) => {
    const answer = await fetch(address, {headers: {Accept: "text/html"}, signal});
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  // The live part is reloaded while the page is visible and no element in the part has the focus.
  const first = new Map();
  const measure = () => document.querySelectorAll(".progress").forEach((bar, i) => {
    const done = Number(bar.dataset.done), total = Number(bar.dataset.total), now = Date.now();
    const then = first.get(i);
    if (!then || done < then.done) return first.set(i, {done, now});
    const rate = (done - then.done) * 1000 / (now - then.now);
    if (rate > 0) {
      const left = (total - done) / rate;
      const time = left < 90 ? Math.ceil(left) + " seconds" : left < 5400 ? Math.round(left / 60) + " minutes" :
        Math.round(left / 3600) + " hours";
      bar.querySelector(".rate").textContent = rate.toFixed(1) + " a second now, about " + time + " left";
    }
  });
  const live = async () => {
    const part = document.getElementById("live");
    if (!part || !part.dataset.live) return;
    if (!document.hidden && !part.contains(document.activeElement)) {
      try {
        const next = (await get(location.href)).getElementById("live");
        if (next) part.replaceWith(next);
        measure();
      } catch { /* the server is away: the next look may find it */ }
    }
    const again = document.getElementById("live").dataset.live;
    if (again) setTimeout(live, again * 1000);
    else location.reload();
  };
  measure();
  const part = document.getElementById("live");
  if (part && part.dataset.live) setTimeout(live, part.dataset.live * 1000);
  // A key presses the button that lists it in data-keys.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.target.closest("input, select")) return;
    const buttons = [...document.querySelectorAll("button[data-keys]")];
    const button = buttons.find((b) => b.dataset.keys.split(" ").includes(event.key));
    if (!button) return;
    event.preventDefault();
    button.click();
  });
  // The preview is updated when the form changes.
  const form = document.getElementById("select");
  if (!form) return;
  let timer, asked;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (asked) asked.abort();
      asked = new AbortController();
      const preview = document.getElementById("preview");
      preview.classList.add("stale");
      const address = form.action + "?" + new URLSearchParams(new FormData(form));
      try {
        preview.replaceWith((await get(address, asked.signal)).getElementById("preview"));
        history.replaceState(null, "", address);
      } catch (error) {
        if (error.name !== "AbortError") preview.classList.remove("stale");
      }
    }, 350);
  });
})();
