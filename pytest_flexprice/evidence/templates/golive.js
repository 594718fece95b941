"use strict";
(function () {
  var every = function (selector, act) { document.querySelectorAll(selector).forEach(act); };
  var states = "", section = "";
  var kept = function (item) {
    var own = states === "" || states.split("|").indexOf(item.getAttribute("data-state")) >= 0;
    return own && (section === "" || item.closest(".group").getAttribute("data-section") === section);
  };
  var filter = function () {
    var shown = 0, all = 0;
    every("details.item", function (item) { item.hidden = !kept(item); all += 1; shown += item.hidden ? 0 : 1; });
    every(".group", function (group) { group.hidden = !group.querySelector("details.item:not([hidden])"); });
    every("[data-show]", function (button) { button.setAttribute("aria-pressed", String(button.getAttribute("data-show") === states)); });
    every("[data-section] option", function (option) { option.selected = option.value === section; });
    every(".filters [role=status]", function (told) { told.textContent = shown === all ? "" : shown + " of " + all + " items shown"; });
  };
  every(".tools", function (tools) {
    tools.hidden = false;
    tools.addEventListener("click", function (event) {
      var button = event.target.closest("button");
      if (!button) return;
      var wanted = button.getAttribute("data-do");
      if (wanted) every("details.item", function (item) { item.open = wanted === "open"; });
      else { states = button.getAttribute("data-show"); filter(); }
    });
    tools.addEventListener("change", function (event) { section = event.target.value; filter(); });
  });
  // A link to an item, or to a scenario inside one, opens it and shows it whatever is filtered.
  var reveal = function (hash) {
    var target = hash.length > 1 && document.getElementById(hash.slice(1));
    for (var at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
      if (at.hidden) { states = section = ""; filter(); }
    }
    if (target) target.scrollIntoView();
  };
  window.addEventListener("hashchange", function () { reveal(location.hash); });
  // A link to where the page already is changes no address.
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href^='#']");
    if (link) reveal(link.getAttribute("href"));
  });
  reveal(location.hash);
  // Paper cannot be opened.
  var all = function () { return Array.prototype.slice.call(document.querySelectorAll("details")); };
  var before = [];
  window.addEventListener("beforeprint", function () {
    before = all().map(function (each) { var was = each.open; each.open = true; return was; });
  });
  window.addEventListener("afterprint", function () { all().forEach(function (each, number) { each.open = before[number]; }); });
})();
