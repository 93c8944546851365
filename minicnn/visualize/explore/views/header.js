// What stands above the page: the model's name, whether the page agrees with minicnn, and what is left out; and above the
// network the direction and the legend.

import { gradientOf, scaleFor } from "colours";
import { switchLanguage, t } from "strings";
import { h, text } from "dom";
import { summaryOf } from "views/layers";

const ALLOWED = 1e-4; // the largest relative difference from minicnn

export function header(app) {
  const asleep = app.network.layers.filter((layer) => app.layers.isAsleep(layer)).length;
  const change = () => {
    switchLanguage();
    app.build();
    app.header.querySelector(".language").focus();
  };
  return [
    h("h1", {}, h("bdi", {}, app.data.name)), h("button.language", { onclick: change }, t("language")),
    h("p", {}, summaryOf(app)), agreement(app),
    asleep ? h("p.asleep", {}, t("sleeping", asleep, app.network.layers.length)) : "",
    app.edits ? h("button.undo", { onclick: () => app.undoEdits() }, t("undo", app.edits)) : "",
  ];
}

// Whether the page computes what minicnn computed.
function agreement(app) {
  const { difference } = app;
  if (app.edits) return h("p.note", {}, t("edited", app.edits));
  if (!app.isChecked) return h("p.note", {}, "…");
  if (difference === null) return h("p.note", {}, t("notCompared"));
  if (difference <= ALLOWED) return h("p.same", {}, `✓ ${t("same", text(difference))}`);
  return h("p.differs", { role: "alert" }, `✗ ${t("differs", text(difference))}`);
}

export function directions(app) {
  const choice = (mode) => h("label", {}, h("input", {
    type: "radio", name: "mode", checked: app.mode === mode,
    onchange: () => {
      app.mode = mode;
      app.show();
    },
  }), t(mode));
  return h("fieldset.directions", {}, h("legend", {}, t("direction")), ["forward", "backward"].map(choice));
}

export function legend() {
  const bar = (scale, name) => h("span.key", {}, h("span.scale", { style: `background: ${gradientOf(scale)}` }), name);
  const spot = (colour, name) => h("span.key", {}, h("span.spot", { style: `background: ${colour}` }), name);
  return h("p.legend", {}, `${t("legend")}: `, bar(scaleFor([-1, 1]), `${t("legendSigned")} (−…0…+)`),
    bar(scaleFor([0, 1]), `${t("legendPositive")} (0…)`), spot("#f0f", "NaN"), spot("#00be3c", "±∞"));
}
