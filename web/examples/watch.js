// Shows under an example what the page helper did. The server adds it to the
// examples that it runs; it is no part of them.
(() => {
  'use strict';
  const page = JSON.parse(document.getElementById('page').textContent);
  const strip = document.createElement('pre');
  strip.className = 'watch';
  const show = () => {
    const last = window.wxsign && wxsign.last, lines = [];
    if (window.wxsignSimulated) lines.push(page.simulated);
    if (window.wx && window.wx.standin) lines.push(page.standin);
    for (const tried of last ? last.attempts : []) lines.push(`${tried.errMsg}  ${tried.url}`);
    if (last && last.error) lines.push(last.error.message);
    strip.textContent = lines.join('\n');
    strip.hidden = !lines.length;
  };
  addEventListener('DOMContentLoaded', () => {
    document.body.appendChild(strip);
    setInterval(show, 200);
  });
})();
