// Draws the timeline of an account with uPlot: a lane for each credential, a
// band while it had a live value, a mark for each attempt. The page has the same
// in numbers for those who do not see it.
"use strict";

(function () {
  const box = document.getElementById("chart");
  if (!box || !window.uPlot) {
    return;
  }
  const lane = 48; // height of a lane, in CSS pixels
  const axis = 34;
  const reload = 60000;
  let plot = null;
  let data = null;
  let spots = []; // what was drawn where, for the pointer: {x, y, lane, moment}
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;

  // The stylesheet's colours, as a canvas can use them: light-dark() is resolved
  // only in a property that is a colour.
  const probe = document.createElement("span");
  box.append(probe);
  function colour(name, alpha) {
    probe.style.color = "var(--" + name + ")";
    const found = getComputedStyle(probe).color;
    if (alpha === undefined) {
      return found;
    }
    const parts = found.match(/[\d.]+/g);
    return "rgba(" + parts[0] + "," + parts[1] + "," + parts[2] + "," + alpha + ")";
  }

  function pad(n) {
    return String(n).padStart(2, "0");
  }

  // Times are those of the panel's zone, not of the browser's.
  function local(ms) {
    return new Date(ms + data.offset * 1000);
  }

  function clock(ms) {
    const t = local(ms);
    return pad(t.getUTCHours()) + ":" + pad(t.getUTCMinutes());
  }

  function day(ms) {
    const t = local(ms);
    return pad(t.getUTCMonth() + 1) + "-" + pad(t.getUTCDate());
  }

  function full(ms) {
    return day(ms) + " " + clock(ms) + ":" + pad(local(ms).getUTCSeconds());
  }

  // Ticks fall on whole hours and days of the panel's zone.
  function splits(u, index, from, to, step) {
    const list = [];
    const shift = data.offset;
    for (let t = Math.ceil((from + shift) / step) * step - shift; t <= to; t += step) {
      list.push(t);
    }
    return list;
  }

  function labels(u, list, index, space, step) {
    return list.map(function (t) {
      const at = local(t * 1000);
      return step >= 86400 || at.getUTCHours() + at.getUTCMinutes() === 0 ? day(t * 1000) : clock(t * 1000);
    });
  }

  function row(u, i) {
    const height = u.bbox.height / data.lanes.length;
    return { top: u.bbox.top + i * height, height: height, middle: u.bbox.top + (i + 0.5) * height };
  }

  function draw(u) {
    const c = u.ctx;
    const ratio = uPlot.pxRatio;
    spots = [];
    c.save();
    c.beginPath();
    c.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    c.clip();
    data.lanes.forEach(function (one, i) {
      const at = row(u, i);
      const x = function (ms) {
        return u.valToPos(ms / 1000, "x", true);
      };
      c.fillStyle = colour("bad", 0.2);
      const begin = one.lives.length > 0 ? x(one.lives[0][0]) : x(data.to);
      const band = 14 * ratio;
      c.fillRect(begin, at.middle - band / 2, x(data.to) - begin, band);
      one.lives.forEach(function (life) {
        c.clearRect(x(life[0]), at.middle - band / 2, x(life[1]) - x(life[0]), band);
        c.fillStyle = colour("ok", 0.22);
        c.fillRect(x(life[0]), at.middle - band / 2, x(life[1]) - x(life[0]), band);
      });
      if (data.begin > data.from) {
        c.fillStyle = colour("soft", 0.12);
        c.fillRect(x(data.from), at.top, x(data.begin) - x(data.from), at.height);
      }
      // What matters more is drawn later.
      for (const wanted of ["unchanged", "renewed", "refused", "failed"]) {
        one.moments.forEach(function (moment) {
          const outcome = data.outcomes[moment[1]];
          if (outcome && outcome.name === wanted) {
            mark(c, ratio, x(moment[0]), at.middle, wanted, moment);
            spots.push({ x: x(moment[0]) / ratio, y: at.middle / ratio, lane: one, moment: moment });
          }
        });
      }
    });
    c.restore();
    name(u, ratio);
  }

  function mark(c, ratio, x, y, outcome, moment) {
    const tone = { renewed: "ok", unchanged: "soft", failed: "bad", refused: "warn" }[outcome];
    c.fillStyle = colour(tone);
    c.beginPath();
    if (outcome === "renewed" || outcome === "unchanged") {
      const height = (outcome === "renewed" ? 20 : 12) * ratio;
      c.rect(x - ratio, y - height / 2, 2 * ratio, height);
    } else if (outcome === "failed") {
      c.arc(x, y, 4.5 * ratio, 0, 2 * Math.PI);
    } else {
      const r = 5 * ratio;
      c.moveTo(x, y - r);
      c.lineTo(x + r, y);
      c.lineTo(x, y + r);
      c.lineTo(x - r, y);
    }
    c.fill();
    const trigger = data.triggers[moment[2]];
    if (trigger && ["manual", "report", "probe"].includes(trigger.name)) {
      c.strokeStyle = colour("link");
      c.lineWidth = 1.5 * ratio;
      c.beginPath();
      c.arc(x, y - 15 * ratio, 3.5 * ratio, 0, 2 * Math.PI);
      c.stroke();
    }
  }

  // The names of the lanes stand in them, above the bands: no room is lost on a
  // phone.
  function name(u, ratio) {
    const c = u.ctx;
    c.save();
    c.font = 12 * ratio + "px " + getComputedStyle(box).fontFamily;
    c.textBaseline = "top";
    c.textAlign = "left";
    data.lanes.forEach(function (one, i) {
      const at = row(u, i);
      const x = u.bbox.left + 4 * ratio;
      const width = c.measureText(one.text).width;
      c.fillStyle = colour("sheet", 0.85);
      c.fillRect(x - 3 * ratio, at.top, width + 6 * ratio, 14 * ratio);
      c.fillStyle = colour("soft");
      c.fillText(one.text, x, at.top + ratio);
    });
    c.restore();
  }

  function point(u) {
    const left = u.cursor.left;
    const top = u.cursor.top;
    tip.hidden = true;
    if (left < 0) {
      return;
    }
    const over = u.over;
    let best = null;
    let nearest = 15;
    for (const spot of spots) {
      const dx = Math.abs(spot.x - over.offsetLeft - left);
      const dy = Math.abs(spot.y - over.offsetTop - top);
      if (dy < lane / 2 && dx <= nearest) {
        nearest = dx;
        best = spot;
      }
    }
    if (best) {
      show(best);
    }
  }

  function line(text, strong) {
    const part = document.createElement(strong ? "b" : "span");
    part.textContent = text;
    const whole = document.createElement("div");
    whole.append(part);
    tip.append(whole);
  }

  function show(spot) {
    const m = spot.moment;
    const trigger = data.triggers[m[2]];
    tip.replaceChildren();
    line(spot.lane.text + (m[5] ? " v" + m[5] : "") + " · " + data.outcomes[m[1]].text + (m[6] > 1 ? " ×" + m[6] : ""), true);
    line(full(m[0]));
    line((trigger ? trigger.text + " · " : "") + m[4] + " ms" + (m[3] ? " · " + data.words.errcode + " " + m[3] : ""));
    tip.hidden = false;
    const room = box.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(8, Math.min(room, spot.x + plot.root.offsetLeft + 10)) + "px";
    tip.style.top = Math.max(4, spot.y - tip.offsetHeight) + "px";
  }

  function size() {
    const style = getComputedStyle(box);
    return {
      width: Math.floor(box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)),
      height: data.lanes.length * lane + axis,
    };
  }

  function build() {
    if (plot) {
      plot.destroy();
    }
    const steps = [60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000];
    plot = new uPlot({
      ...size(),
      legend: { show: false },
      padding: [0, 8, 0, 8],
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false, setScale: true } },
      scales: { x: { time: false, range: function (u, from, to) { return from === null ? [data.from / 1000, data.to / 1000] : [from, to]; } }, y: { range: [0, 1] } },
      axes: [
        { incrs: steps, splits: splits, values: labels, space: 60, size: axis, stroke: function () { return colour("soft"); }, font: "12px " + getComputedStyle(box).fontFamily, grid: { stroke: function () { return colour("line"); }, width: 1 }, ticks: { stroke: function () { return colour("line"); }, width: 1, size: 4 } },
        { show: false },
      ],
      series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
      hooks: { draw: [draw], setCursor: [point] },
    }, [[data.from / 1000, data.to / 1000], [0, 0]], box);
    box.append(tip);
  }

  function fail() {
    if (plot) {
      return; // the last good one stays
    }
    const words = document.createElement("p");
    words.className = "failed";
    words.textContent = box.dataset.failed;
    box.replaceChildren(words);
  }

  // Marked as htmx marks a refresh: it keeps no session alive.
  function load() {
    return fetch(box.dataset.src, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok || !(answer.headers.get("Content-Type") || "").startsWith("application/json")) {
        throw new Error("status " + answer.status);
      }
      return answer.json();
    }).then(function (fresh) {
      const zoomed = plot && (plot.scales.x.min > data.from / 1000 + 1 || plot.scales.x.max < data.to / 1000 - 1);
      if (zoomed) {
        return; // somebody is looking at a part of it
      }
      data = fresh;
      build();
      box.dataset.drawn = String(data.lanes.reduce(function (n, one) { return n + one.moments.length; }, 0));
    }).catch(fail);
  }

  box.hidden = false;
  document.querySelector(".legend").hidden = false;
  load();
  setInterval(function () {
    if (document.visibilityState === "visible") {
      load();
    }
  }, reload);
  new ResizeObserver(function () {
    if (plot && size().width !== plot.width) {
      plot.setSize(size());
    }
  }).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    if (plot) {
      plot.redraw();
    }
  });
})();
