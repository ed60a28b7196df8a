// Counts the time that is left down between two refreshes. Without it the page
// shows the same, standing still.
"use strict";

(function () {
  // Each element with data-left got its number of seconds when it was drawn.
  // A morph of the page writes the attribute anew: then the clock starts again.
  const drawn = new WeakMap();

  function pad(n) {
    return String(n).padStart(2, "0");
  }

  // The form of panelView.Span.
  function span(seconds) {
    return Math.floor(seconds / 3600) + ":" + pad(Math.floor(seconds / 60) % 60) + ":" + pad(seconds % 60);
  }

  function tick() {
    const now = Date.now();
    for (const element of document.querySelectorAll("[data-left]")) {
      let start = drawn.get(element);
      if (!start || start.left !== element.dataset.left) {
        start = { left: element.dataset.left, at: now };
        drawn.set(element, start);
      }
      const left = Math.max(0, Number(start.left) - Math.round((now - start.at) / 1000));
      if (element instanceof HTMLProgressElement) {
        element.value = left;
      } else {
        element.textContent = span(left);
      }
    }
  }

  setInterval(tick, 1000);
  tick();
})();
