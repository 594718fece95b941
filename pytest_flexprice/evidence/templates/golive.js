"use strict";
(function () {
  var all = function () { return document.querySelectorAll("details"); };
  var items = function () { return document.querySelectorAll("details.item"); };
  document.querySelectorAll(".tools").forEach(function (tools) {
    tools.hidden = false;
    tools.addEventListener("click", function (event) {
      var wanted = event.target.getAttribute("data-do");
      if (wanted) items().forEach(function (item) { item.open = wanted === "open"; });
    });
  });
  // A link to an item, or to a scenario inside one, opens it.
  var reveal = function () {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  reveal();
  // Paper cannot be opened.
  var before = [];
  window.addEventListener("beforeprint", function () {
    before = Array.prototype.map.call(all(), function (each) { var was = each.open; each.open = true; return was; });
  });
  window.addEventListener("afterprint", function () {
    Array.prototype.forEach.call(all(), function (each, number) { each.open = before[number]; });
  });
})();
