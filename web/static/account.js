// Small comforts of the account pages; all of them work without.
"use strict";

(function () {
  // A message about what was just done belongs to this visit, not to a reload or
  // a bookmark.
  const address = new URL(location.href);
  for (const name of ["done", "not", "kind", "deleted"]) {
    address.searchParams.delete(name);
  }
  if (address.href !== location.href) {
    history.replaceState(history.state, "", address);
  }

  // A form that asks WeChat takes a moment: it is sent once.
  for (const form of document.querySelectorAll("form[data-busy]")) {
    form.addEventListener("submit", function () {
      const button = form.querySelector("button[type=submit]");
      button.setAttribute("aria-busy", "true");
      button.textContent = form.dataset.busy;
      setTimeout(function () {
        button.disabled = true;
      });
    });
  }
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      location.reload(); // back to a page with a form that was sent
    }
  });

  // Fields of the other platform are out of the way.
  const platforms = document.querySelectorAll("input[type=radio][name=platform]");
  function choose() {
    const chosen = document.querySelector("input[name=platform]:checked");
    for (const part of document.querySelectorAll("[data-only]")) {
      part.hidden = part.dataset.only !== chosen.value;
      for (const field of part.querySelectorAll("input")) {
        field.disabled = part.hidden;
      }
    }
  }
  for (const radio of platforms) {
    radio.addEventListener("change", choose);
  }
  if (platforms.length > 0) {
    choose();
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    if (!navigator.clipboard) {
      continue;
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(field.value).then(function () {
        button.textContent = button.dataset.done;
      }, function () {
        field.select(); // the person copies by hand
      });
    });
  }
})();
