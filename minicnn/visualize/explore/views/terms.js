// A table of terms, the largest first; the rest as one sum, which can be opened.

import { t } from "strings";
import { h, text } from "dom";

const FEW = 12, MORE = 100;

// heads: the names of the columns, the last one that of the products. cells(term): the cells of a row.
export function largestFirst(terms, heads, cells) {
  const sorted = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product)), body = h("tbody", {});
  const show = (count) => {
    const rest = sorted.slice(count).reduce((sum, term) => sum + term.product, 0), hidden = sorted.length - count;
    body.replaceChildren(...sorted.slice(0, count).map((term) => h("tr", {}, cells(term))));
    if (hidden <= 0) return;
    const more = h("button", { onclick: () => show(count + MORE) }, t("moreTerms", Math.min(hidden, MORE)));
    body.append(h("tr", {}, h("td", { colSpan: heads.length - 1 }, `${t("rest", hidden)} `, more), h("td", {}, text(rest))));
  };
  show(FEW);
  return h("div.scroll", { tabIndex: 0 }, h("table.terms", {},
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), body));
}
